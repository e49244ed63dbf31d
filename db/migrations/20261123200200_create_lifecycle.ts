import type { Knex } from 'knex';

/** How an account ends: read-only, asked to be deleted, purged. What it takes along, and what stays to show for it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table users drop constraint users_status_check');
  await knex.raw(`
    alter table users
      add constraint users_status_check check (status in ('active', 'read_only', 'closing', 'deleted')),
      add column read_only_since timestamptz,
      add column closing_since timestamptz,
      add column purge_at timestamptz,
      add column purge_warning smallint`);
  await knex.raw('create index users_purge on users (purge_at) where purge_at is not null');

  // No tenant, for there is none any more; and nothing that tells who it was but the id.
  await knex.raw(`
    create table deletion_receipts (
      user_id uuid primary key,
      reason text not null,
      asked_at timestamptz,
      purged_at timestamptz not null,
      counts jsonb not null
    )`);

  await knex.raw(`
    create table exports (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      status text not null check (status in ('pending', 'ready', 'failed')),
      created_at timestamptz not null,
      ready_at timestamptz,
      expires_at timestamptz,
      bytes bigint,
      chunks integer,
      counts jsonb,
      primary key (user_id, id)
    )`);
  await knex.raw("create unique index exports_pending on exports (user_id) where status = 'pending'");
  await knex.raw('create index exports_age on exports (created_at)');
  await knex.raw('call protect_tenant_table(?)', ['exports']);

  // The file itself, where every node can read it.
  await knex.raw(`
    create table export_chunks (
      user_id uuid not null,
      export_id uuid not null,
      chunk integer not null,
      bytes bytea not null,
      primary key (user_id, export_id, chunk),
      foreign key (user_id, export_id) references exports (user_id, id) on delete cascade
    )`);
  // It is compressed already.
  await knex.raw('alter table export_chunks alter column bytes set storage external');
  await knex.raw('call protect_tenant_table(?)', ['export_chunks']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table export_chunks, exports, deletion_receipts');
  await knex.raw('alter table users drop constraint users_status_check');
  // Nobody may write what its owner wants to be gone.
  await knex.raw("update users set status = 'read_only' where status = 'closing'");
  await knex.raw(`
    alter table users
      add constraint users_status_check check (status in ('active', 'read_only', 'deleted')),
      drop column read_only_since, drop column closing_since, drop column purge_at, drop column purge_warning`);
}
