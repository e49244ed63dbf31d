import type pg from 'pg';
import type { Database } from '../../client/database.ts';
import type { Sql, Statement } from '../../client/sql.ts';

/** Identifies a tenant's binary codes of one model. */
export interface BinaryCodes {
  userId: string;
  model: string;
}

interface CodeCounts {
  codes: number;
  /** Codes in no cluster. */
  unclustered: number;
  /** Number of codes when the clusters were computed; 0 without clusters. */
  atClustering: number;
}

/** Counts the codes, and those outside the clusters. Runs as the owner role. */
export async function countBinaryCodes(sql: Sql, { userId, model }: BinaryCodes): Promise<CodeCounts> {
  const result = await sql.query<{ codes: string; free: string; cut: number | null }>({
    name: 'count_binary_codes',
    text: `select count(*) as codes, count(*) filter (where cell is null) as free,
        (select max(codes_when_cut) from memory_cells where user_id = $1 and model = $2) as cut
      from memory_codes where user_id = $1 and model = $2`,
    values: [userId, model],
  });
  const row = result.rows[0];
  return { codes: Number(row?.codes ?? 0), unclustered: Number(row?.free ?? 0), atClustering: row?.cut ?? 0 };
}

/** Returns a pseudo-random sample of the codes, as texts of 0 and 1. Runs as the owner role. */
export async function sampleBinaryCodes(sql: Sql, { userId, model }: BinaryCodes, limit: number): Promise<string[]> {
  const result = await sql.query<{ code: string }>({
    text: `select code::text
      from memory_codes
      where user_id = $1 and model = $2
      order by hashtextextended(memory_id::text, chunk), memory_id, chunk limit $3`,
    values: [userId, model, limit],
  });
  return result.rows.map((row) => row.code);
}

/** Adds clusters around centroids, with numbers after the existing ones. Returns the last number before them. Runs as the owner role. */
export async function insertClusters(
  sql: Sql,
  { userId, model }: BinaryCodes,
  centroids: readonly string[],
  codes: number,
): Promise<number> {
  const result = await sql.query<{ former: number }>({
    text: `with former as (select coalesce(max(cell), 0) as cell from memory_cells where user_id = $1 and model = $2),
      made as (
        insert into memory_cells (user_id, model, cell, code, codes_when_cut)
        select $1, $2, former.cell + place, code::varbit, $4 from former, unnest($3::text[]) with ordinality as c (code, place)
      )
      select cell as former from former`,
    values: [userId, model, centroids, codes],
  });
  return result.rows[0]?.former ?? 0;
}

/** Moves codes that are not locked from no cluster, or from clusters up to number `former`, to the nearest later cluster. Returns their number. Runs as the owner role. */
export async function assignToClusters(
  sql: Sql,
  { userId, model }: BinaryCodes,
  former: number,
  limit: number,
): Promise<number> {
  const result = await sql.query({
    text: `with moving as materialized (
        select memory_id, chunk, code
        from memory_codes
        where user_id = $1 and model = $2 and (cell is null or cell <= $3)
        limit $4
        for no key update skip locked
      ), nearest as materialized (
        select memory_id, chunk, (
          select c.cell from memory_cells c where c.user_id = $1 and c.model = $2 and c.cell > $3
          order by bit_count(c.code # moving.code), c.cell limit 1
        ) as cell from moving
      )
      update memory_codes m set cell = n.cell from nearest n
      where m.user_id = $1 and m.model = $2 and m.memory_id = n.memory_id and m.chunk = n.chunk and n.cell is not null`,
    values: [userId, model, former, limit],
  });
  return result.rowCount ?? 0;
}

/** Name of the advisory lock that is shared while codes join clusters, and exclusive while clusters are deleted. */
const CLUSTERS_LOCK = "hashtextextended('memory_cells in use ' || $1 || ' ' || $2, 0)";

/** Keeps a tenant's clusters from being deleted until the transaction ends, so that codes can join them. The first lock of its transaction. */
export function keepClustersStatement({ userId, model }: BinaryCodes): Statement {
  return {
    name: 'keep_clusters',
    text: `select pg_advisory_xact_lock_shared(${CLUSTERS_LOCK})`,
    values: [userId, model],
  };
}

/**
 * Deletes the clusters up to a number. Codes that were added to them meanwhile are then in no cluster. Waits first for the transactions
 * that hold {@link keepClustersStatement}: one of them would wait for a deleted cluster while this waits for its codes. `sql` is a transaction of
 * the owner role.
 */
export async function deleteClusters(sql: Sql, { userId, model }: BinaryCodes, upTo: number): Promise<void> {
  await sql.query({ text: `select pg_advisory_xact_lock(${CLUSTERS_LOCK})`, values: [userId, model] });
  await sql.query({
    text: `delete from memory_cells
      where user_id = $1 and model = $2 and cell <= $3`,
    values: [userId, model, upTo],
  });
}

/** Returns the last number of earlier clusterings; 0 when there is only one clustering. Runs as the owner role. */
export async function findPreviousClustering(sql: Sql, { userId, model }: BinaryCodes): Promise<number> {
  const result = await sql.query<{ former: number | null }>({
    text: `select max(cell) as former from memory_cells c where user_id = $1 and model = $2
      and codes_when_cut < (select max(codes_when_cut) from memory_cells where user_id = $1 and model = $2)`,
    values: [userId, model],
  });
  return result.rows[0]?.former ?? 0;
}

/** Runs work under an advisory lock on these codes. Returns false, without running it, when another process holds the lock. */
export async function withAdvisoryLock(
  database: Database,
  { userId, model }: BinaryCodes,
  work: () => Promise<void>,
): Promise<boolean> {
  const client: pg.PoolClient = await database.owner.connect();
  const lock = `hashtextextended('memory_cells ' || $1 || ' ' || $2, 0)`;
  try {
    const taken = await client.query(`select pg_try_advisory_lock(${lock}) as taken`, [userId, model]);
    if (!taken.rows[0]?.taken) return false;
    try {
      await work();
      return true;
    } finally {
      await client.query(`select pg_advisory_unlock(${lock})`, [userId, model]);
    }
  } finally {
    client.release();
  }
}
