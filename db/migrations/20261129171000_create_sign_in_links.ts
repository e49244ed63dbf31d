import type { Knex } from 'knex';

/**
 * Creates the table of one-time links that sign a browser in. It holds the SHA-256 of the link's secret, and either the user or, for an
 * address without an account, the e-mail address. A link has no tenant until it is found, so only the owner reads the table.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sign_in_links (
      token_hash bytea primary key,
      user_id uuid references users (id) on delete cascade,
      email text,
      method text not null check (method in ('email', 'local')),
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz,
      check ((user_id is null) <> (email is null))
    )`);
  await knex.raw('create index sign_in_links_user on sign_in_links (user_id, created_at)');
  await knex.raw('create index sign_in_links_email on sign_in_links (lower(email), created_at)');
  await knex.raw('create index sign_in_links_expiry on sign_in_links (expires_at)');
  await knex.raw('call protect_tenant_table(?)', ['sign_in_links']);
  await knex.raw('revoke all on sign_in_links from wm_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table sign_in_links');
}
