import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/client/database.ts';

/** What a search may read. */
const READ = ['memories', 'lexicon', 'memory_codes', 'memory_vectors'];
/** At least as many as a service reads on. */
const CONNECTIONS = 20;

/** Does what autovacuum does after many rows have come: statistics, and which pages hold nothing but what all see. */
export async function vacuum(database: Database): Promise<void> {
  for (const table of [...READ, 'quotas']) await database.owner.query(`vacuum (analyze) ${table}`);
}

/** Rows that were read so far of the tables of search. */
export async function rowsRead(database: Database, userId: string): Promise<number> {
  // A connection reports once a second what it read, or when it is told to: all of them at once, each holding one up.
  const report = () => database.read(userId).query({ text: 'select pg_stat_force_next_flush(), pg_sleep(0.05)' });
  await Promise.all(Array.from({ length: CONNECTIONS }, report));
  const { rows } = await database.owner.query<{ read: string }>(
    `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_user_tables where relname = any ($1)`,
    [READ],
  );
  return Number(rows[0]?.read);
}

/** Bytes by part, over all tenants. */
export interface Sizes {
  memories: number;
  parts: Record<string, number>;
}

/** What is on disk: the texts, the index of words, the lexicon, codes and exact vectors. */
export async function measureSizes(database: Database): Promise<Sizes> {
  const { rows } = await database.owner.query<Record<string, string>>(
    `select (select sum(memories) from quotas) as memories,
      pg_table_size('memories') as "memories, rows",
      pg_relation_size('memories_terms') as "words index (GIN)",
      pg_indexes_size('memories') - pg_relation_size('memories_terms') as "memories, other indexes",
      pg_total_relation_size('lexicon') as lexicon,
      pg_total_relation_size('memory_codes') as codes,
      pg_total_relation_size('memory_vectors') as "exact vectors"`,
  );
  const { memories, ...parts } = rows[0] ?? {};
  return {
    memories: Number(memories),
    parts: Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, Number(bytes)])),
  };
}

/** Waits until no memory waits for its vectors. */
export async function untilEmbedded(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await database.owner.query(`select 1 from embedding_queue limit 1`);
    if (rows.length === 0) return;
    await delay(200);
  }
}
