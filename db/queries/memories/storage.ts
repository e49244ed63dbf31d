import type { Sql } from '../../client/sql.ts';

/** Number and size of memories in a group. */
export interface StorageRow {
  memories: number;
  bytes: number;
}

/** Sums the tenant's memories by project, largest first. `project` is null for those of no project. */
export async function sumStorageByProject(
  sql: Sql,
  userId: string,
  limit: number,
): Promise<(StorageRow & { project: string | null })[]> {
  const result = await sql.query<StorageRow & { project: string | null }>({
    name: 'sum_storage_by_project',
    text: `select project, count(*)::float8 as memories, sum(size_bytes)::float8 as bytes
      from memories
      where user_id = $1
      group by project
      order by bytes desc, project
      limit $2`,
    values: [userId, limit],
  });
  return result.rows;
}

/** Sums the tenant's memories by type. */
export async function sumStorageByType(sql: Sql, userId: string): Promise<(StorageRow & { type: string })[]> {
  const result = await sql.query<StorageRow & { type: string }>({
    name: 'sum_storage_by_type',
    text: `select type, count(*)::float8 as memories, sum(size_bytes)::float8 as bytes
      from memories
      where user_id = $1
      group by type
      order by type`,
    values: [userId],
  });
  return result.rows;
}

/** Sums the tenant's kept versions of memories. */
export async function sumVersions(sql: Sql, userId: string): Promise<{ versions: number; bytes: number }> {
  const result = await sql.query<{ versions: number; bytes: number }>({
    name: 'sum_versions',
    text: `select count(*)::float8 as versions, coalesce(sum(size_bytes), 0)::float8 as bytes
      from memory_versions
      where user_id = $1`,
    values: [userId],
  });
  return result.rows[0] ?? { versions: 0, bytes: 0 };
}
