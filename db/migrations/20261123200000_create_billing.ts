import type { Knex } from 'knex';

/** Who came from Whop, what they have bought there, and what Whop told. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table users add column whop_user_id text, add column welcomed_at timestamptz');
  // What makes provisioning once per buyer: whoever inserts the row has made the account.
  await knex.raw('alter table users add constraint users_whop_user_id unique (whop_user_id)');

  // `status` has no check: Whop may have a new one tomorrow.
  await knex.raw(`
    create table memberships (
      user_id uuid not null references users (id) on delete cascade,
      id text not null,
      status text not null,
      plan_id text,
      product_id text,
      tier text not null check (tier in ('free', 'starter', 'pro', 'enterprise')),
      period_end timestamptz,
      gave_access boolean not null,
      cancel_at_period_end boolean not null,
      manage_url text,
      license_hash bytea,
      changed_at timestamptz,
      read_at timestamptz not null,
      confirmed boolean not null,
      primary key (user_id, id)
    )`);
  // Whop speaks of a membership by its id alone.
  await knex.raw('create index memberships_id on memberships (id)');
  await knex.raw('call protect_tenant_table(?)', ['memberships']);

  // What somebody had who asked to be forgotten. Whoever still pays for it must not get an account from the nightly comparison.
  await knex.raw(`
    create table closed_memberships (
      membership_hash bytea primary key,
      closed_at timestamptz not null
    )`);

  // Not jsonb, which refuses what a JSON text may hold (a NUL in somebody's name).
  await knex.raw(`
    create table webhook_inbox (
      webhook_id text primary key,
      type text not null,
      payload json not null,
      received_at timestamptz not null,
      deliveries integer not null default 1,
      ignored boolean not null,
      processed_at timestamptz,
      attempts integer not null default 0,
      last_error text
    )`);
  await knex.raw('create index webhook_inbox_age on webhook_inbox (received_at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table webhook_inbox, closed_memberships, memberships');
  await knex.raw('alter table users drop column whop_user_id, drop column welcomed_at');
}
