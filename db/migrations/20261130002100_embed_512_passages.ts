import type { Knex } from 'knex';

/** Makes the index of memories with as many passages as are embedded of one for 512 passages, of which the last has number 511. */
export async function up(knex: Knex): Promise<void> {
  await replaceIndex(knex, 511);
}

export async function down(knex: Knex): Promise<void> {
  await replaceIndex(knex, 255);
}

async function replaceIndex(knex: Knex, last: number): Promise<void> {
  await knex.raw('drop index memory_codes_last_passage');
  await knex.raw(`create index memory_codes_last_passage on memory_codes (user_id) where chunk = ${last}`);
}
