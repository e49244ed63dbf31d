import type { Knex } from 'knex';

/**
 * Adds a column for codes of tokens with two bits a dimension. The service embeds memories without them again, and finds them by their vectors
 * meanwhile. The column `tokens`, with codes of one bit, stays for nodes of the version before, and is no longer written.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table memory_vectors add column token_codes bytea');
  await knex.raw('alter table memory_vectors alter column token_codes set storage external');
  await knex.raw(
    'create index memory_vectors_without_token_codes_index on memory_vectors (user_id, memory_id) where token_codes is null',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table memory_vectors drop column token_codes');
}
