import type { Knex } from 'knex';

/** What calls took of the day's allowance, and how many tokens a model was given to read. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table usage_events add column units integer not null default 0, add column tokens integer');
  await knex.raw(`
    alter table usage_daily add column units bigint not null default 0, add column tokens bigint not null default 0`);
  // Until now a batch was one call.
  await knex.raw('update usage_events set units = 1 where billable');
  await knex.raw('update usage_daily set units = billable');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table usage_daily drop column units, drop column tokens');
  await knex.raw('alter table usage_events drop column units, drop column tokens');
}
