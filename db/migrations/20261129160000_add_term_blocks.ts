import type { Knex } from 'knex';

/**
 * Adds for each term of a long text the blocks that hold it, as bits: a search then reads the block that matched instead of the whole
 * text. Long memories are queued for the job that indexes terms; until then the block is found by the meaning, or is the first one.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw("alter table memories add column term_blocks bigint[] default '{}' not null");
  await knex.raw(`
    insert into term_queue (user_id, memory_id)
    select user_id, id
    from memories
    where octet_length(content) >= 16384
    on conflict do nothing`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table memories drop column term_blocks');
}
