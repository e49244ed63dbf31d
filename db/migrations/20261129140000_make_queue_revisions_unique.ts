import type { Knex } from 'knex';

/**
 * Gives each enqueueing of a memory a revision that never returns. A counter in the row started anew when the row did, so a
 * worker that still held the former text could complete the new entry with outdated vectors.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table embedding_queue
      alter column revision type bigint,
      alter column revision set default pg_current_xact_id()::text::bigint`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('update embedding_queue set revision = 1');
  await knex.raw(`
    alter table embedding_queue
      alter column revision set default 1,
      alter column revision type integer`);
}
