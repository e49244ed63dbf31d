import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/client/database.ts';

/** Tables that a search reads. */
const SEARCH_TABLES = ['memories', 'lexicon', 'memory_codes', 'memory_vectors'];
/** At least the number of connections that a service reads on. */
const CONNECTIONS = 20;

/** Does the work of autovacuum after a bulk insert: statistics and the visibility map. */
export async function vacuum(database: Database): Promise<void> {
  for (const table of [...SEARCH_TABLES, 'quotas']) await database.owner.query(`vacuum (analyze) ${table}`);
}

/** Returns the number of rows of the search tables that were read so far. */
export async function rowsRead(database: Database, userId: string): Promise<number> {
  // A connection reports its statistics once a second or on request. The sleep makes each request use another connection.
  const report = () => database.read(userId).query({ text: 'select pg_stat_force_next_flush(), pg_sleep(0.05)' });
  await Promise.all(Array.from({ length: CONNECTIONS }, report));
  const { rows } = await database.owner.query<{ read: string }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read
      from pg_stat_user_tables
      where relname = any ($1)`,
    [SEARCH_TABLES],
  );
  return Number(rows[0]?.read);
}

/** Bytes by part, for all tenants. */
export interface Sizes {
  memories: number;
  parts: Record<string, number>;
}

/** Measures the disk space of texts, GIN index of terms, lexicon, binary codes, and vectors with the codes of tokens. */
export async function measureSizes(database: Database): Promise<Sizes> {
  const { rows } = await database.owner.query<Record<string, string>>(
    `select (
        select sum(memories)
        from quotas
      ) as memories,
      pg_table_size('memories') as "memories, rows",
      pg_relation_size('memories_terms') as "GIN index of terms",
      pg_indexes_size('memories') - pg_relation_size('memories_terms') as "memories, other indexes",
      pg_total_relation_size('lexicon') as lexicon,
      pg_total_relation_size('memory_codes') as codes,
      pg_total_relation_size('memory_vectors') as "vectors, codes of tokens"`,
  );
  const { memories, ...parts } = rows[0] ?? {};
  return {
    memories: Number(memories),
    parts: Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, Number(bytes)])),
  };
}

/** Waits until the embedding queue is empty. */
export async function untilEmbedded(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await database.owner.query(`select 1
      from embedding_queue
      limit 1`);
    if (rows.length === 0) return;
    await delay(200);
  }
}

/** Empties the embedding queue: nothing that was stored until now is embedded any more. */
export async function clearEmbeddingQueue(database: Database): Promise<void> {
  await database.owner.query('truncate embedding_queue');
}
