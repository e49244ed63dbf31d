import type { Knex } from 'knex';

/**
 * Marks the accounts of operators, indexes what they search and list, and creates the tables of the comparisons with Whop and of the
 * differences that each one repaired.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table users add column is_operator boolean not null default false');
  await knex.raw('create index users_email_prefix on users (lower(email) text_pattern_ops)');
  await knex.raw('create index users_whop_prefix on users (whop_user_id text_pattern_ops)');
  await knex.raw('create index embedding_queue_failed on embedding_queue (user_id) where failure is not null');
  await knex.raw('create index outbox_newest on outbox (created_at, id)');
  await knex.raw(`
    create table reconciliations (
      id uuid primary key,
      started_at timestamptz not null,
      finished_at timestamptz,
      memberships integer not null default 0,
      differences integer not null default 0,
      failed integer not null default 0,
      error text
    )`);
  await knex.raw(`
    create table reconciliation_differences (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      reconciliation_id uuid not null,
      membership_id text,
      what text not null,
      value_before text,
      value_after text not null,
      primary key (user_id, id)
    )`);
  await knex.raw('create index reconciliation_differences_of on reconciliation_differences (reconciliation_id, id)');
  await knex.raw('call protect_tenant_table(?)', ['reconciliation_differences']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table reconciliation_differences, reconciliations');
  await knex.raw('drop index outbox_newest, embedding_queue_failed, users_whop_prefix, users_email_prefix');
  await knex.raw('alter table users drop column is_operator');
}
