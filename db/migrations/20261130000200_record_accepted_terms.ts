import type { Knex } from 'knex';

/** Records which version of the legal texts the owner of an account has accepted, and when. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table users add column terms_version text, add column terms_accepted_at timestamptz');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table users drop column terms_version, drop column terms_accepted_at');
}
