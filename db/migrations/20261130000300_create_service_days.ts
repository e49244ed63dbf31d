import type { Knex } from 'knex';

/** Creates the record of the minutes of each UTC day in which the service worked. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table service_days (
      day date primary key,
      minutes integer not null,
      first_minute timestamptz not null,
      last_minute timestamptz not null
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table service_days');
}
