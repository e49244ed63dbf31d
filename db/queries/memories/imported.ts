import type { Sql } from '../../client/sql.ts';
import type { MemoryRow } from './row.ts';
import { VERSIONS_KEPT } from './versions.ts';

/** The columns by which an import recognizes a stored memory. */
export type KnownMemory = Pick<MemoryRow, 'id' | 'type' | 'status' | 'expires_at' | 'supersedes' | 'version'> & {
  content_hash: Buffer;
};

/** A former version of a memory with the id of the memory. */
export type ImportedVersion = Omit<
  MemoryRow,
  'id' | 'created_at' | 'updated_at' | 'consolidated_into' | 'is_digest' | 'superseded_by'
> & { memory_id: string; written_at: Date };

/** Finds the tenant's memories that have one of these ids, and the active ones that have one of these hashes. */
export async function findKnownMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  hashes: readonly Buffer[],
): Promise<KnownMemory[]> {
  const columns = 'id, type, status, expires_at, supersedes, version, content_hash';
  const result = await sql.query<KnownMemory>({
    name: 'find_known_memories',
    text: `select ${columns}
      from memories
      where user_id = $1 and id = any ($2)
      union
      select ${columns}
      from memories
      where user_id = $1 and content_hash = any ($3) and status = 'active'`,
    values: [userId, ids, hashes],
  });
  return result.rows;
}

/** Finds which of these former versions are stored. */
export async function findKnownVersions(
  sql: Sql,
  userId: string,
  versions: readonly { memory_id: string; version: number }[],
): Promise<{ memory_id: string; version: number }[]> {
  const result = await sql.query<{ memory_id: string; version: number }>({
    name: 'find_known_versions',
    text: `select memory_id, version
      from memory_versions
      where user_id = $1
        and (memory_id, version) in (select * from unnest($2::uuid[], $3::integer[]))`,
    values: [userId, versions.map(({ memory_id }) => memory_id), versions.map(({ version }) => version)],
  });
  return result.rows;
}

/**
 * Stores a former version of a memory, unless it is stored, is not older than the memory, or would no longer be kept. Returns whether
 * it was stored.
 */
export async function insertImportedVersion(sql: Sql, userId: string, row: ImportedVersion): Promise<boolean> {
  const result = await sql.query({
    name: 'insert_imported_version',
    text: `insert into memory_versions (user_id, memory_id, version, type, status, title, content, tags, metadata, project,
        session_id, occurred_at, occurred_offset_minutes, expires_at, supersedes, size_bytes, written_at)
      select $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
      from memories
      where user_id = $1 and id = $2 and version > $3 and version <= $3 + ${VERSIONS_KEPT}
      on conflict do nothing`,
    values: [
      userId,
      row.memory_id,
      row.version,
      row.type,
      row.status,
      row.title,
      row.content,
      row.tags,
      JSON.stringify(row.metadata),
      row.project,
      row.session_id,
      row.occurred_at,
      row.occurred_offset_minutes,
      row.expires_at,
      row.supersedes,
      row.size_bytes,
      row.written_at,
    ],
  });
  return result.rowCount === 1;
}
