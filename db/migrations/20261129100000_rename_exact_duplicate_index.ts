import type { Knex } from 'knex';

/** Renames the unique index that keeps exact duplicates of active memories out. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter index memories_active_twin rename to memories_exact_duplicate');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter index memories_exact_duplicate rename to memories_active_twin');
}
