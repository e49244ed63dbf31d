import type { Knex } from 'knex';

/** What makes a retry harmless, and what is on its way out. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table idempotency_keys (
      user_id uuid not null references users (id) on delete cascade,
      key text not null,
      request_hash bytea not null,
      status smallint,
      body jsonb,
      headers jsonb,
      holds_secret boolean not null default false,
      event_id uuid not null,
      day date not null,
      created_at timestamptz not null,
      primary key (user_id, key)
    )`);
  await knex.raw('create index idempotency_keys_age on idempotency_keys (created_at)');
  await knex.raw('call protect_tenant_table(?)', ['idempotency_keys']);

  await knex.raw(`
    create table outbox (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      kind text not null check (kind in ('mail')),
      recipient text not null,
      template text not null,
      data jsonb not null,
      created_at timestamptz not null,
      sent_at timestamptz,
      refused_at timestamptz,
      last_error text,
      primary key (user_id, id)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['outbox']);

  // A mail and the job that sends it, in the transaction that causes it. Definer's rights, because the application's role
  // has no business with the queue; so the tenant is checked here. `role` is the caller's, current_user would be the definer.
  await knex.raw(`
    create function enqueue_mail(tenant uuid, mail uuid, recipient text, template text, data jsonb, at timestamptz)
    returns void language plpgsql security definer set search_path = public, pg_temp as $$
    begin
      if current_setting('role') = 'wm_app' and current_tenant() is distinct from tenant then
        raise exception 'a mail of another tenant';
      end if;
      insert into outbox (user_id, id, kind, recipient, template, data, created_at) values (tenant, mail, 'mail', recipient, template, data, at);
      perform graphile_worker.add_job('send_mail', json_build_object('user_id', tenant, 'id', mail), job_key := 'mail:' || mail);
    end $$`);
  await knex.raw('revoke all on function enqueue_mail from public');
  await knex.raw('grant execute on function enqueue_mail to wm_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function enqueue_mail');
  await knex.raw('drop table outbox, idempotency_keys');
}
