import type { Sql } from './sql.ts';

export interface QuotaRow {
  storage_bytes: number;
  memories: number;
}

/** By how much what a tenant stores grows, or with a minus shrinks. */
export interface Growth {
  bytes: number;
  memories?: number;
  /** Words that search counts. */
  words?: number;
}

/**
 * Holds a tenant's memories for this transaction: what else wants to write them waits. A tenant's writes so come one after the
 * other, which keeps its storage limit and its lexicon exact and leaves nothing to lock in two orders.
 */
export async function lockTenant(sql: Sql, userId: string): Promise<void> {
  await sql.query({
    name: 'lock_tenant',
    text: 'insert into quotas (user_id) values ($1) on conflict (user_id) do update set user_id = excluded.user_id',
    values: [userId],
  });
}

/**
 * Moves what a tenant stores and answers the new totals. In a transaction that holds the tenant, which is what
 * makes the storage limit exact under concurrent writes.
 */
export async function moveQuota(
  sql: Sql,
  userId: string,
  { bytes, memories = 0, words = 0 }: Growth,
): Promise<QuotaRow> {
  const result = await sql.query<{ storage_bytes: string; memories: string }>({
    name: 'move_quota',
    text: `insert into quotas as q (user_id, storage_bytes, memories, words)
      values ($1, greatest($2::bigint, 0), greatest($3::bigint, 0), greatest($4::bigint, 0))
      on conflict (user_id) do update set storage_bytes = q.storage_bytes + $2, memories = q.memories + $3, words = q.words + $4
      returning storage_bytes, memories`,
    values: [userId, bytes, memories, words],
  });
  return present(result.rows[0]);
}

/** What a tenant stores now. */
export async function findQuota(sql: Sql, userId: string): Promise<QuotaRow> {
  const result = await sql.query<{ storage_bytes: string; memories: string }>({
    name: 'find_quota',
    text: 'select storage_bytes, memories from quotas where user_id = $1',
    values: [userId],
  });
  return present(result.rows[0]);
}

function present(row: { storage_bytes: string; memories: string } | undefined): QuotaRow {
  return { storage_bytes: Number(row?.storage_bytes ?? 0), memories: Number(row?.memories ?? 0) };
}
