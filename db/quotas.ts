import type { Sql } from './sql.ts';

export interface QuotaRow {
  storage_bytes: number;
  memories: number;
}

/**
 * Moves what a tenant stores and answers the new totals. The row is locked until the transaction ends, which is what
 * makes the storage limit exact under concurrent writes; so call it last.
 */
export async function moveQuota(sql: Sql, userId: string, bytes: number, memories: number): Promise<QuotaRow> {
  const result = await sql.query<{ storage_bytes: string; memories: string }>({
    name: 'move_quota',
    text: `insert into quotas as q (user_id, storage_bytes, memories) values ($1, greatest($2::bigint, 0), greatest($3::bigint, 0))
      on conflict (user_id) do update set storage_bytes = q.storage_bytes + $2, memories = q.memories + $3
      returning storage_bytes, memories`,
    values: [userId, bytes, memories],
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
