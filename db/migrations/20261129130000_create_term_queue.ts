import type { Knex } from 'knex';

/**
 * Queues every memory for the task `reindex_terms`: the tokenizer makes other terms than it did. A later change of its rules needs a
 * migration that queues them again.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table term_queue (
      user_id uuid not null,
      memory_id uuid not null,
      primary key (user_id, memory_id),
      foreign key (user_id, memory_id) references memories (user_id, id) on delete cascade
    )`);
  await knex.raw('call protect_tenant_table(?)', ['term_queue']);
  await knex.raw('insert into term_queue (user_id, memory_id) select user_id, id from memories');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table term_queue');
}
