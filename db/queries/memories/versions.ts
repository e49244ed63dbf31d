import type { Sql } from '../../client/sql.ts';
import type { MemoryRow } from './row.ts';

/** A former state of a memory. `written_at` is when that state came to be. */
export type VersionRow = Omit<MemoryRow, 'id' | 'created_at' | 'updated_at' | 'consolidated_into' | 'superseded_by'> & {
  written_at: Date;
};

/** Versions of a memory that are kept; older ones go when a newer one comes. */
export const VERSIONS_KEPT = 50;

const COLUMNS =
  'version, type, status, title, content, tags, metadata, project, session_id, occurred_at, expires_at, supersedes, size_bytes';

/** Keeps the present state of a memory as a version and drops the oldest beyond {@link VERSIONS_KEPT}. Answers by how many bytes the kept versions grew. */
export async function insertVersion(sql: Sql, userId: string, memory: MemoryRow): Promise<number> {
  const result = await sql.query<{ grown: string }>({
    name: 'insert_version',
    text: `with kept as (
        insert into memory_versions (user_id, memory_id, ${COLUMNS}, written_at)
        select user_id, id, ${COLUMNS}, updated_at from memories where user_id = $1 and id = $2 returning size_bytes
      ), dropped as (
        delete from memory_versions where user_id = $1 and memory_id = $2 and version <= $3 returning size_bytes
      )
      select (select coalesce(sum(size_bytes), 0) from kept) - (select coalesce(sum(size_bytes), 0) from dropped) as grown`,
    values: [userId, memory.id, memory.version - VERSIONS_KEPT],
  });
  return Number(result.rows[0]?.grown ?? 0);
}

/** Former versions of a memory, newest first, those before `before` if given. */
export async function listVersions(
  sql: Sql,
  userId: string,
  id: string,
  limit: number,
  before?: number,
): Promise<VersionRow[]> {
  const result = await sql.query<VersionRow>({
    name: 'list_versions',
    text: `select ${COLUMNS}, written_at from memory_versions
      where user_id = $1 and memory_id = $2 and version < coalesce($3, 2147483647) order by version desc limit $4`,
    values: [userId, id, before ?? null, limit],
  });
  return result.rows;
}

/** How many former versions of a memory are kept. */
export async function countVersions(sql: Sql, userId: string, id: string): Promise<number> {
  const result = await sql.query<{ count: string }>({
    name: 'count_versions',
    text: 'select count(*) from memory_versions where user_id = $1 and memory_id = $2',
    values: [userId, id],
  });
  return Number(result.rows[0]?.count ?? 0);
}

/** One former version, or undefined when it is not kept. */
export async function findVersion(
  sql: Sql,
  userId: string,
  id: string,
  version: number,
): Promise<VersionRow | undefined> {
  const result = await sql.query<VersionRow>({
    name: 'find_version',
    text: `select ${COLUMNS}, written_at from memory_versions where user_id = $1 and memory_id = $2 and version = $3`,
    values: [userId, id, version],
  });
  return result.rows[0];
}
