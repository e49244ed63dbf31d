import type { Knex } from 'knex';

/**
 * Records by which version of the tokenizer a memory's terms were made. Every existing memory has version 1; the task `reindex_terms`
 * finds the outdated ones by the index. It names the current version, so a migration replaces it when the version is raised.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table memories add column terms_version smallint not null default 1');
  await knex.raw('create index memories_outdated_terms on memories (user_id, id) where terms_version < 2');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index memories_outdated_terms');
  await knex.raw('alter table memories drop column terms_version');
}
