import type { Knex } from 'knex';

/** One-time links that make a key, and signed-in browsers. Of both, only the SHA-256 of the secret is stored. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table claims (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz,
      key_id uuid,
      primary key (user_id, id),
      foreign key (user_id, key_id) references api_keys (user_id, id) on delete set null (key_id)
    )`);
  await knex.raw('create index claims_expiry on claims (expires_at) where key_id is null');
  await knex.raw('create index claims_key on claims (user_id, key_id)');
  await knex.raw('call protect_tenant_table(?)', ['claims']);

  await knex.raw(`
    create table sessions (
      user_id uuid not null references users (id) on delete cascade,
      id uuid not null,
      created_at timestamptz not null,
      last_seen_at timestamptz not null,
      expires_at timestamptz not null,
      primary key (user_id, id)
    )`);
  await knex.raw('create index sessions_expiry on sessions (expires_at)');
  await knex.raw('call protect_tenant_table(?)', ['sessions']);

  // Neither has a tenant until it is found. Only the owner looks; a tenant has no business here.
  for (const [lookup, table, id] of [
    ['claim_lookup', 'claims', 'claim_id'],
    ['session_lookup', 'sessions', 'session_id'],
  ]) {
    await knex.raw(`
      create table ${lookup} (
        token_hash bytea primary key,
        user_id uuid not null,
        ${id} uuid not null,
        foreign key (user_id, ${id}) references ${table} (user_id, id) on delete cascade
      )`);
    await knex.raw(`create index ${lookup}_id on ${lookup} (user_id, ${id})`);
    await knex.raw('call protect_tenant_table(?)', [lookup as string]);
    await knex.raw(`revoke all on ${lookup} from wm_app`);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table session_lookup, claim_lookup, sessions, claims');
}
