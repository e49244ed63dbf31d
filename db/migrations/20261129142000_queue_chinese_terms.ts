import type { Knex } from 'knex';

/** Queues every memory with Chinese characters for the task `reindex_terms`: traditional characters are folded to simplified ones. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    insert into term_queue (user_id, memory_id)
    select user_id, id
    from memories
    where title || content || array_to_string(tags, ' ') ~ '[\u3400-\u9fff]'
    on conflict do nothing`);
}

/** Changes nothing: memories that are indexed again get the terms of the running release. */
export async function down(): Promise<void> {}
