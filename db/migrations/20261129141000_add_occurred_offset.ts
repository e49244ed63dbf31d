import type { Knex } from 'knex';

/** Keeps the offset in which the time of an event was given, in minutes east of UTC. Older times were stored without it. */
export async function up(knex: Knex): Promise<void> {
  for (const table of ['memories', 'memory_versions']) {
    await knex.raw('alter table ?? add column occurred_offset_minutes smallint not null default 0', [table]);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['memories', 'memory_versions']) {
    await knex.raw('alter table ?? drop column occurred_offset_minutes', [table]);
  }
}
