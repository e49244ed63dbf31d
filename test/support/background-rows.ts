import type pg from 'pg';

/** Rows that only background work writes, made of a tenant's memories: a test service does none. */
const STATEMENTS: Record<string, string> = {
  embedding_queue: 'insert into embedding_queue (user_id, memory_id) select user_id, id from memories',
  memory_vectors: `insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector)
    select user_id, id, 'test', 0, 0, 1, '\\x00' from memories`,
  memory_codes: `insert into memory_codes (user_id, model, memory_id, chunk, code)
    select user_id, 'test', id, 0, B'01' from memories`,
};

/** Fills the tables that background work fills, for every memory that there is. */
export async function addBackgroundRows(owner: pg.Client): Promise<void> {
  for (const statement of Object.values(STATEMENTS)) await owner.query(`${statement} on conflict do nothing`);
}
