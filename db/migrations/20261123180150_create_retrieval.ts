import type { Knex } from 'knex';

/** What search reads beside the memories: the words a tenant uses, and vectors with the queue that keeps them current. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create extension if not exists pg_trgm');

  await knex.raw(`
    create table lexicon (
      user_id uuid not null references users (id) on delete cascade,
      hash bigint not null,
      lexeme text not null,
      memories integer not null,
      primary key (user_id, hash)
    )`);
  await knex.raw('create index lexicon_lexeme on lexicon (user_id, lexeme collate "C")');
  await knex.raw('call protect_tenant_table(?)', ['lexicon']);

  await knex.raw(`
    create table memory_vectors (
      user_id uuid not null,
      memory_id uuid not null,
      model text not null,
      chunk smallint not null,
      first_character integer not null,
      last_character integer not null,
      vector bytea not null,
      primary key (user_id, memory_id, model, chunk),
      foreign key (user_id, memory_id) references memories (user_id, id) on delete cascade
    )`);
  // Floats do not compress; trying to costs more than it saves.
  await knex.raw('alter table memory_vectors alter column vector set storage external');
  await knex.raw('call protect_tenant_table(?)', ['memory_vectors']);

  // Apart from the exact vectors: a scan over a tenant's codes then reads a twentieth of the bytes.
  await knex.raw(`
    create table memory_codes (
      user_id uuid not null,
      model text not null,
      memory_id uuid not null,
      chunk smallint not null,
      code varbit not null,
      primary key (user_id, memory_id, model, chunk),
      foreign key (user_id, memory_id) references memories (user_id, id) on delete cascade
    )`);
  await knex.raw('call protect_tenant_table(?)', ['memory_codes']);

  await knex.raw(`
    create table embedding_queue (
      user_id uuid not null,
      memory_id uuid not null,
      revision integer not null default 1,
      queued_at timestamptz not null default now(),
      leased_until timestamptz,
      primary key (user_id, memory_id),
      foreign key (user_id, memory_id) references memories (user_id, id) on delete cascade
    )`);
  await knex.raw('create index embedding_queue_age on embedding_queue (queued_at)');
  await knex.raw('call protect_tenant_table(?)', ['embedding_queue']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table embedding_queue, memory_codes, memory_vectors, lexicon');
  await knex.raw('drop extension pg_trgm');
}
