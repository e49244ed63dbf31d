import type pg from 'pg';

/** Rows that only background work writes, made of what tenants have: a test service does none. */
const STATEMENTS: Record<string, string> = {
  embedding_queue: 'insert into embedding_queue (user_id, memory_id) select user_id, id from memories',
  memory_vectors: `insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector)
    select user_id, id, 'test', 0, 0, 1, '\\x00' from memories`,
  embedding_models: `insert into embedding_models (model) values ('test')`,
  memory_cells: `insert into memory_cells (user_id, model, cell, code, codes_when_cut) select id, 'test', 1, B'01', 1 from users`,
  memory_codes: `insert into memory_codes (user_id, model, memory_id, chunk, code)
    select user_id, 'test', id, 0, B'01' from memories`,
  usage_alerts: `insert into usage_alerts (user_id, kind, threshold, period, at)
    select id, 'calls', 80, '2026-11-02', now() from users`,
};

/** Fills the tables that background work fills, for every user and memory that there is. */
export async function addBackgroundRows(owner: pg.Client): Promise<void> {
  for (const statement of Object.values(STATEMENTS)) await owner.query(`${statement} on conflict do nothing`);
}
