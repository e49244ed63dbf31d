import type { Knex } from 'knex';

/** Marks the digests of consolidations, whose sources are searched in their place. Digests made before keep their own search terms. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table memories add column is_digest boolean not null default false');
  await knex.raw('create index memories_digests on memories (user_id) where is_digest');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table memories drop column is_digest');
}
