import type { Knex } from 'knex';

/**
 * Creates the tables of the OAuth authorization server. The access that a person grants to an app is a row of `api_keys`, so that
 * limits, metering and revocation are those of keys; its access tokens are rows of `key_lookup`, each with an expiry and scopes of its
 * own. A client and a pending request belong to no tenant, so only the owner reads the two new tables.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      add column client_id text,
      add column client_host text,
      add check ((client_id is null) = (client_host is null))`);
  await knex.raw('alter table key_lookup add column expires_at timestamptz, add column scopes text[]');
  await knex.raw('create index key_lookup_expiry on key_lookup (expires_at) where expires_at is not null');

  await knex.raw(`
    create table oauth_clients (
      id text primary key,
      metadata jsonb not null,
      created_at timestamptz not null,
      used_at timestamptz
    )`);
  await knex.raw('create index oauth_clients_age on oauth_clients (coalesce(used_at, created_at))');
  await knex.raw(`
    create table oauth_artifacts (
      kind text not null,
      id_hash bytea not null,
      user_id uuid,
      grant_id uuid,
      payload jsonb not null,
      expires_at timestamptz not null,
      consumed_at timestamptz,
      primary key (kind, id_hash),
      foreign key (user_id, grant_id) references api_keys (user_id, id) on delete cascade,
      check ((user_id is null) = (grant_id is null))
    )`);
  await knex.raw('create index oauth_artifacts_grant on oauth_artifacts (user_id, grant_id)');
  await knex.raw('create index oauth_artifacts_expiry on oauth_artifacts (expires_at)');
  await knex.raw('call protect_tenant_table(?)', ['oauth_artifacts']);
  await knex.raw('revoke all on oauth_artifacts from wm_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table oauth_artifacts, oauth_clients');
  await knex.raw('delete from key_lookup where expires_at is not null');
  await knex.raw('alter table key_lookup drop column expires_at, drop column scopes');
  await knex.raw('delete from api_keys where client_id is not null');
  await knex.raw('alter table api_keys drop column client_id, drop column client_host');
}
