import type { Knex } from 'knex';

/**
 * Creates the table of logins of programs without a browser. It holds the SHA-256 of the program's secret. A login has no tenant until a
 * person decides, so only the owner reads the table.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table device_logins (
      device_hash bytea primary key,
      user_code text not null unique,
      name text not null,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      user_id uuid references users (id) on delete cascade,
      status text not null check (status in ('pending', 'approved', 'denied')),
      check ((user_id is null) = (status = 'pending'))
    )`);
  await knex.raw('create index device_logins_user on device_logins (user_id)');
  await knex.raw('create index device_logins_expiry on device_logins (expires_at)');
  await knex.raw('call protect_tenant_table(?)', ['device_logins']);
  await knex.raw('revoke all on device_logins from wm_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table device_logins');
}
