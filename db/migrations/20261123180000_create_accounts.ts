import type { Knex } from 'knex';

/** The application's role, users, keys, and the audit log. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$ begin
      create role wm_app nologin;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  // With SET: the application's connections start as this role (PostgreSQL 16 no longer implies it).
  await knex.raw('grant wm_app to current_user');
  await knex.raw('grant usage on schema public to wm_app');

  // Says which tenant a connection works for. Null when none is set, so that no row matches.
  await knex.raw(`
    create function current_tenant() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$`);

  // The second wall: forced, so that it holds for the owner too, who gets a policy of its own because jobs span tenants.
  await knex.raw(`
    create procedure protect_tenant_table(target regclass) language plpgsql as $$
    begin
      execute format('alter table %s enable row level security', target);
      execute format('alter table %s force row level security', target);
      execute format('create policy tenant on %s to wm_app using (user_id = current_tenant()) with check (user_id = current_tenant())', target);
      execute format('create policy owner on %s to %I using (true) with check (true)', target, current_user);
      execute format('grant select, insert, update, delete on %s to wm_app', target);
    end $$`);

  await knex.raw(`
    create table users (
      id uuid primary key,
      email text,
      plan text not null check (plan in ('free', 'starter', 'pro', 'enterprise')),
      status text not null default 'active' check (status in ('active', 'read_only', 'deleted')),
      overrides jsonb not null default '{}',
      created_at timestamptz not null,
      updated_at timestamptz not null,
      last_seen_at timestamptz
    )`);
  await knex.raw('create index users_email on users (lower(email))');
  // Not a tenant table, but a tenant sees its own row only.
  await knex.raw('alter table users enable row level security');
  await knex.raw('alter table users force row level security');
  await knex.raw('create policy tenant on users for select to wm_app using (id = current_tenant())');
  await knex.raw(
    `do $$ begin execute format('create policy owner on users to %I using (true) with check (true)', current_user); end $$`,
  );
  await knex.raw('grant select on users to wm_app');

  await knex.raw(`
    create table api_keys (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      name text not null,
      prefix text not null,
      last4 text not null,
      scopes text[] not null,
      rpm_limit integer check (rpm_limit > 0),
      expires_at timestamptz,
      revoked_at timestamptz,
      last_used_at timestamptz,
      created_at timestamptz not null,
      primary key (user_id, id)
    )`);
  await knex.raw('call protect_tenant_table(?)', ['api_keys']);

  // A key has no tenant until it is found, so this one table is keyed by the hash.
  await knex.raw(`
    create table key_lookup (
      key_hash bytea primary key,
      user_id uuid not null,
      key_id uuid not null,
      foreign key (user_id, key_id) references api_keys (user_id, id) on delete cascade
    )`);
  await knex.raw('create index key_lookup_key on key_lookup (user_id, key_id)');
  await knex.raw('call protect_tenant_table(?)', ['key_lookup']);
  // Found by the owner only; a tenant adds its own and never reads any.
  await knex.raw('revoke select, update, delete on key_lookup from wm_app');

  await knex.raw(`
    create table audit_log (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      at timestamptz not null,
      actor text not null,
      action text not null,
      target text,
      details jsonb not null default '{}',
      primary key (user_id, id)
    )`);
  await knex.raw('create index audit_log_action on audit_log (user_id, action, at desc)');
  await knex.raw('call protect_tenant_table(?)', ['audit_log']);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit_log, key_lookup, api_keys, users');
  await knex.raw('drop procedure protect_tenant_table');
  await knex.raw('drop function current_tenant');
  // The role stays: it belongs to the cluster, and another database may use it.
  await knex.raw('revoke usage on schema public from wm_app');
}
