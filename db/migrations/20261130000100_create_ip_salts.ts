import type { Knex } from 'knex';

/** Creates the salts with which client IP addresses are hashed, one for each UTC day. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create table ip_salts (day date primary key, salt bytea not null)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table ip_salts');
}
