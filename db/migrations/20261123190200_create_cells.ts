import type { Knex } from 'knex';

/** Searching by meaning as a tenant grows and as models change: cells of codes, and which models have vectors. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table memory_cells (
      user_id uuid not null references users (id) on delete cascade,
      model text not null,
      cell integer not null,
      code varbit not null,
      codes_when_cut integer not null,
      primary key (user_id, model, cell)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['memory_cells']);

  await knex.raw('alter table memory_codes add column cell integer');
  // A code whose cell goes away belongs to none, and what belongs to none is always looked at.
  await knex.raw(`
    alter table memory_codes add foreign key (user_id, model, cell)
      references memory_cells (user_id, model, cell) on delete set null (cell)`);
  // With all that a scan reads, in the order of the cells: a scan of a third of them reads a third of the pages.
  await knex.raw('create index memory_codes_cell on memory_codes (user_id, model, cell) include (memory_id, code)');

  await knex.raw('create table embedding_models (model text primary key, since timestamptz not null default now())');
  await knex.raw('insert into embedding_models (model) select distinct model from memory_codes');

  // What is embedded anew for a new model waits behind what was just written.
  await knex.raw('alter table embedding_queue add column renewal boolean not null default false');
  await knex.raw('drop index embedding_queue_age');
  await knex.raw('create index embedding_queue_turn on embedding_queue (renewal, user_id, queued_at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index embedding_queue_turn');
  await knex.raw('create index embedding_queue_age on embedding_queue (queued_at)');
  await knex.raw('alter table embedding_queue drop column renewal');
  await knex.raw('drop table embedding_models');
  await knex.raw('alter table memory_codes drop column cell');
  await knex.raw('drop table memory_cells');
}
