import type { Knex } from 'knex';

/**
 * Adds a column for vectors with a signed byte for each component, a quarter of the size. The column `vector`, with floats, is no longer
 * written, and read where a version before has stored it. See docs/decisions/0157 for nodes of that version. The index of rows without codes
 * of one bit is dropped: no version uses it since `token_codes`, and it would hold every new row.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table memory_vectors add column vector_int8 bytea');
  await knex.raw('alter table memory_vectors alter column vector_int8 set storage external');
  await knex.raw('alter table memory_vectors alter column vector drop not null');
  await knex.raw('drop index memory_vectors_without_tokens_index');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'delete from memory_codes where (user_id, memory_id) in (select user_id, memory_id from memory_vectors where vector is null)',
  );
  await knex.raw(
    `update embedding_queue
      set next_character = 0, next_code_point = 0, passages = 0
      where (user_id, memory_id) in (select user_id, memory_id from memory_vectors where vector is null)`,
  );
  await knex.raw('delete from memory_vectors where vector is null');
  await knex.raw('alter table memory_vectors alter column vector set not null');
  await knex.raw('alter table memory_vectors drop column vector_int8');
  await knex.raw(
    'create index memory_vectors_without_tokens_index on memory_vectors (user_id, memory_id) where tokens is null',
  );
}
