import type { Knex } from 'knex';

/** Creates webhooks, and their deliveries: the outbox that each event is written to in the transaction that causes it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table webhooks (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      url text not null,
      description text not null,
      events text[] not null,
      status text not null check (status in ('enabled', 'disabled')),
      disabled_reason text check (disabled_reason in ('owner', 'plan', 'gone', 'failing', 'backlog')),
      secret text not null,
      previous_secret text,
      previous_secret_expires_at timestamptz,
      waiting integer not null default 0,
      failures integer not null default 0,
      failing_since timestamptz,
      last_delivered_at timestamptz,
      due_at timestamptz,
      paused_until timestamptz,
      lease_id uuid,
      leased_until timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      primary key (user_id, id),
      check ((status = 'disabled') = (disabled_reason is not null))
    )`);
  await knex.raw('create index webhooks_due on webhooks (due_at) where due_at is not null');
  await knex.raw('call protect_tenant_table(?)', ['webhooks']);

  await knex.raw(`
    create table webhook_deliveries (
      user_id uuid not null,
      webhook_id uuid not null,
      id uuid not null,
      position bigint not null generated always as identity,
      type text not null,
      subject uuid,
      data jsonb not null,
      occurred_at timestamptz not null,
      state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
      attempts integer not null default 0,
      first_attempt_at timestamptz,
      last_attempt_at timestamptz,
      next_attempt_at timestamptz,
      response_status integer,
      duration_ms integer,
      error text,
      finished_at timestamptz,
      primary key (user_id, webhook_id, id),
      foreign key (user_id, webhook_id) references webhooks (user_id, id) on delete cascade,
      check ((state = 'pending') = (next_attempt_at is not null))
    )`);
  await knex.raw(`
    create index webhook_deliveries_due on webhook_deliveries (user_id, webhook_id, next_attempt_at, position)
      where state = 'pending'`);
  await knex.raw(`
    create index webhook_deliveries_subject on webhook_deliveries (user_id, webhook_id, subject, position)
      where state = 'pending'`);
  await knex.raw('create index webhook_deliveries_newest on webhook_deliveries (user_id, webhook_id, position desc)');
  await knex.raw('create index webhook_deliveries_age on webhook_deliveries (occurred_at)');
  await knex.raw('call protect_tenant_table(?)', ['webhook_deliveries']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table webhook_deliveries, webhooks');
}
