import type { Sql } from '../../client/sql.ts';
import type { MemoryRow } from './row.ts';

/** A former state of a memory. `written_at` is when that state was written. */
export type VersionRow = Omit<
  MemoryRow,
  'id' | 'created_at' | 'updated_at' | 'consolidated_into' | 'is_digest' | 'superseded_by'
> & {
  written_at: Date;
};

/** Versions kept per memory; a new one replaces the oldest. */
export const VERSIONS_KEPT = 50;

const COLUMNS =
  'version, type, status, title, content, tags, metadata, project, session_id, occurred_at, ' +
  'occurred_offset_minutes, expires_at, supersedes, size_bytes';

/** Stores the present state of a memory as a version and deletes those beyond {@link VERSIONS_KEPT}. Returns the change of the versions' size in bytes. */
export async function insertVersion(
  sql: Sql,
  userId: string,
  memory: Pick<MemoryRow, 'id' | 'version'>,
): Promise<number> {
  const result = await sql.query<{ grown: string }>({
    name: 'insert_version',
    text: `with kept as (
        insert into memory_versions (user_id, memory_id, ${COLUMNS}, written_at)
        select user_id, id, ${COLUMNS}, updated_at
        from memories
        where user_id = $1 and id = $2
        returning size_bytes
      ),
      dropped as (
        delete from memory_versions
        where user_id = $1 and memory_id = $2 and version <= $3
        returning size_bytes
      )
      select (select coalesce(sum(size_bytes), 0) from kept) - (select coalesce(sum(size_bytes), 0) from dropped) as grown`,
    values: [userId, memory.id, memory.version - VERSIONS_KEPT],
  });
  return Number(result.rows[0]?.grown ?? 0);
}

interface VersionPage {
  limit: number;
  bytesMax: number;
  before: number | undefined;
  /** Projects outside which no version is listed; null for all. */
  projects: readonly string[] | null;
}

/** A memory may have been in another project before. "none" stands for no project. */
const IN_PROJECTS = (projects: string) =>
  `(${projects}::text[] is null or coalesce(project, 'none') = any (${projects}::text[]))`;

/**
 * Lists a page of the former versions of a memory, newest first, bounded in number and bytes; one is returned in any case. `before` is
 * an exclusive upper bound of their numbers.
 */
export async function listVersions(
  sql: Sql,
  userId: string,
  id: string,
  { limit, bytesMax, before, projects }: VersionPage,
): Promise<{ versions: VersionRow[]; isLast: boolean }> {
  const result = await sql.query<VersionRow & { found: string }>({
    name: 'list_versions',
    text: `select ${COLUMNS}, written_at, found
      from (
        select v.*,
          sum(size_bytes) over (order by version desc) - size_bytes as preceding,
          count(*) over () as found
        from (
          select *
          from memory_versions
          where user_id = $1 and memory_id = $2 and version < coalesce($3, 2147483647) and ${IN_PROJECTS('$6')}
          order by version desc
          limit $4
        ) v
      ) page
      where preceding < $5::bigint
      order by version desc`,
    values: [userId, id, before ?? null, limit + 1, bytesMax, projects],
  });
  const found = Number(result.rows[0]?.found ?? 0);
  const versions = result.rows.slice(0, limit).map(({ found: _found, ...version }) => version);
  return { versions, isLast: versions.length === found };
}

/** Counts the former versions that are kept of a memory, in projects or, for null, all. */
export async function countVersions(
  sql: Sql,
  userId: string,
  id: string,
  projects: readonly string[] | null,
): Promise<number> {
  const result = await sql.query<{ count: string }>({
    name: 'count_versions',
    text: `select count(*)
      from memory_versions
      where user_id = $1 and memory_id = $2 and ${IN_PROJECTS('$3')}`,
    values: [userId, id, projects],
  });
  return Number(result.rows[0]?.count ?? 0);
}

/** Finds one former version, in projects or, for null, any. */
export async function findVersion(
  sql: Sql,
  userId: string,
  id: string,
  version: number,
  projects: readonly string[] | null,
): Promise<VersionRow | undefined> {
  const result = await sql.query<VersionRow>({
    name: 'find_version',
    text: `select ${COLUMNS}, written_at
      from memory_versions
      where user_id = $1 and memory_id = $2 and version = $3 and ${IN_PROJECTS('$4')}`,
    values: [userId, id, version, projects],
  });
  return result.rows[0];
}
