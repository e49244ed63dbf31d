import type { Knex } from 'knex';

/**
 * Lets the embedding queue embed a long memory in parts (`next_character`, `next_code_point`, `passages`: what is stored so far), and
 * give up on one that cannot be embedded (`attempts` failed so far, `failure` once there are no more).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table embedding_queue
      add column next_character integer not null default 0,
      add column next_code_point integer not null default 0,
      add column passages smallint not null default 0,
      add column attempts smallint not null default 0,
      add column failure text,
      add constraint embedding_queue_failure_check check (failure in ('rejected', 'encoder_stopped', 'not_stored'))`);
  await knex.raw('drop index embedding_queue_turn');
  await knex.raw(`
    create index embedding_queue_turn on embedding_queue (renewal, user_id, queued_at)
    where attempts = 0 and failure is null`);
  await knex.raw(`
    create index embedding_queue_retries on embedding_queue (attempts, leased_until)
    where attempts > 0 and failure is null`);
  await knex.raw(`
    create index embedding_queue_age on embedding_queue (queued_at)
    where not renewal and failure is null`);
  // Marks the memories that are embedded up to the most passages.
  await knex.raw('create index memory_codes_last_passage on memory_codes (user_id) where chunk = 255');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index memory_codes_last_passage');
  await knex.raw('drop index embedding_queue_age');
  await knex.raw('drop index embedding_queue_retries');
  await knex.raw('drop index embedding_queue_turn');
  await knex.raw('create index embedding_queue_turn on embedding_queue (renewal, user_id, queued_at)');
  // Partly embedded memories start again, and failed ones are tried again.
  await knex.raw(`
    alter table embedding_queue
      drop column next_character,
      drop column next_code_point,
      drop column passages,
      drop column attempts,
      drop column failure`);
}
