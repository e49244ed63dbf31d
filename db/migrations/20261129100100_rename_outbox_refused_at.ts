import type { Knex } from 'knex';

/** Renames `outbox.refused_at` to `rejected_at`. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table outbox rename column refused_at to rejected_at');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table outbox rename column rejected_at to refused_at');
}
