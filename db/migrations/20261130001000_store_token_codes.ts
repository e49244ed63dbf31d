import type { Knex } from 'knex';

/**
 * Adds the codes of a passage's tokens to its vector: null where it was embedded by a version without them, which the service embeds
 * again. A row with both fits in 4 kB and stays in one piece.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table memory_vectors add column tokens bytea');
  await knex.raw('alter table memory_vectors alter column tokens set storage external');
  await knex.raw('alter table memory_vectors set (toast_tuple_target = 4080)');
  await knex.raw(
    'create index memory_vectors_without_tokens_index on memory_vectors (user_id, memory_id) where tokens is null',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index memory_vectors_without_tokens_index');
  await knex.raw('alter table memory_vectors reset (toast_tuple_target)');
  await knex.raw('alter table memory_vectors drop column tokens');
}
