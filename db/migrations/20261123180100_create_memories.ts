import type { Knex } from 'knex';

/** Memories, their former versions, and what each tenant stores in all. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table memories (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      type text not null check (type in ('short_term', 'long_term')),
      status text not null check (status in ('active', 'archived')),
      title text not null,
      content text not null,
      tags text[] not null default '{}',
      metadata jsonb not null default '{}',
      project text,
      session_id text,
      occurred_at timestamptz,
      expires_at timestamptz,
      supersedes uuid,
      consolidated_into uuid,
      version integer not null default 1,
      content_hash bytea not null,
      size_bytes integer not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      terms bigint[] not null default '{}',
      frequencies smallint[] not null default '{}',
      length integer not null default 0,
      primary key (user_id, id)
    )`);
  // What an exact repeat is (settled point 21): a constraint decides, so that two creates at once cannot both win.
  await knex.raw(`
    create unique index memories_active_twin on memories (user_id, content_hash, type, expires_at, supersedes)
    nulls not distinct where status = 'active'`);
  await knex.raw('create index memories_created on memories (user_id, status, created_at desc, id desc)');
  await knex.raw('create index memories_updated on memories (user_id, status, updated_at desc, id desc)');
  // The words of one tenant: a term is a hash of tenant and lexeme, so a posting list belongs to one tenant and what a look-up
  // costs follows that tenant's own size.
  await knex.raw('create index memories_terms on memories using gin (terms)');
  await knex.raw(`create index memories_turns on memories (user_id, session_id, (coalesce(occurred_at, created_at)), id)
    where session_id is not null`);
  await knex.raw('create index memories_supersedes on memories (user_id, supersedes) where supersedes is not null');
  await knex.raw('call protect_tenant_table(?)', ['memories']);

  await knex.raw(`
    create table memory_versions (
      user_id uuid not null,
      memory_id uuid not null,
      version integer not null,
      type text not null,
      status text not null,
      title text not null,
      content text not null,
      tags text[] not null,
      metadata jsonb not null,
      project text,
      session_id text,
      occurred_at timestamptz,
      expires_at timestamptz,
      supersedes uuid,
      size_bytes integer not null,
      written_at timestamptz not null,
      primary key (user_id, memory_id, version),
      foreign key (user_id, memory_id) references memories (user_id, id) on delete cascade
    )`);
  await knex.raw('call protect_tenant_table(?)', ['memory_versions']);

  await knex.raw(`
    create table quotas (
      user_id uuid primary key references users (id) on delete cascade,
      storage_bytes bigint not null default 0 check (storage_bytes >= 0),
      memories bigint not null default 0 check (memories >= 0),
      words bigint not null default 0 check (words >= 0)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['quotas']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table quotas, memory_versions, memories');
}
