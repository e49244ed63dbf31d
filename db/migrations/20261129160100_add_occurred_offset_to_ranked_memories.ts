import type { Knex } from 'knex';

const COLUMNS = `user_id, id, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, supersedes,
  consolidated_into, version, content_hash, size_bytes, created_at, updated_at, terms, frequencies, length`;

/** Adds the offset of `occurred_at` to the view that searches filter: its columns are those of the table when it was created. */
export async function up(knex: Knex): Promise<void> {
  await createView(knex, `${COLUMNS}, occurred_offset_minutes`);
}

export async function down(knex: Knex): Promise<void> {
  await createView(knex, COLUMNS);
}

async function createView(knex: Knex, columns: string): Promise<void> {
  await knex.raw('drop view ranked_memories');
  await knex.raw(
    `create view ranked_memories as select ${columns} from memories where (user_id = current_tenant()) is true`,
  );
  await knex.raw('grant select on ranked_memories to wm_app');
}
