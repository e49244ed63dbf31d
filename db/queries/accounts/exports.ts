import type { Sql } from '../../client/sql.ts';

/** An export of an account. {@link findExportChunk} reads its file. */
export interface ExportRow {
  id: string;
  status: 'pending' | 'ready' | 'failed' | 'erased';
  created_at: Date;
  ready_at: Date | null;
  expires_at: Date | null;
  /** Size of the file in bytes. */
  bytes: number | null;
  chunks: number | null;
  /** Number of lines of each kind. */
  counts: Record<string, number> | null;
}

const COLUMNS = 'id, status, created_at, ready_at, expires_at, bytes::float8 as bytes, chunks, counts';

/** Creates a pending export unless the tenant has one, and returns the pending one. */
export async function insertExport(sql: Sql, userId: string, id: string, now: Date): Promise<ExportRow> {
  await sql.query({
    text: `insert into exports (user_id, id, status, created_at) values ($1, $2, 'pending', $3)
      on conflict (user_id) where status = 'pending' do nothing`,
    values: [userId, id, now],
  });
  return (await findExport(sql, userId, 'pending')) as ExportRow;
}

/** Returns a tenant's newest export, of one status or any. */
export async function findExport(
  sql: Sql,
  userId: string,
  status?: ExportRow['status'],
): Promise<ExportRow | undefined> {
  const result = await sql.query<ExportRow>({
    text: `select ${COLUMNS}
      from exports
      where user_id = $1 and ($2::text is null or status = $2)
      order by created_at desc, id desc
      limit 1`,
    values: [userId, status ?? null],
  });
  return result.rows[0];
}

/** Locks an export until the transaction ends, and returns its revision; undefined when it is no longer pending. */
export async function lockPendingExport(
  sql: Sql,
  userId: string,
  id: string,
): Promise<{ revision: number } | undefined> {
  const result = await sql.query<{ revision: number }>({
    text: "select revision from exports where user_id = $1 and id = $2 and status = 'pending' for update",
    values: [userId, id],
  });
  return result.rows[0];
}

/** Deletes the chunks of an export that an interrupted attempt left. */
export async function deleteExportChunks(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from export_chunks where user_id = $1 and export_id = $2', values: [userId, id] });
}

/** Appends a chunk to the file of a pending export. Returns false when the export has another revision or is not pending. */
export async function insertExportChunk(
  sql: Sql,
  userId: string,
  { id, revision, chunk, bytes }: { id: string; revision: number; chunk: number; bytes: Buffer },
): Promise<boolean> {
  const result = await sql.query({
    name: 'insert_export_chunk',
    text: `with pending as (
        select id
        from exports
        where user_id = $1 and id = $2 and status = 'pending' and revision = $3
        for share
      )
      insert into export_chunks (user_id, export_id, chunk, bytes)
      select $1, id, $4, $5
      from pending`,
    values: [userId, id, revision, chunk, bytes],
  });
  return result.rowCount === 1;
}

/**
 * Erases the files of a tenant's exports, because a memory in them was deleted permanently. A pending export gets a new
 * revision, so that its file is written again.
 */
export async function eraseExports(sql: Sql, userId: string): Promise<void> {
  const erased = await sql.query({
    name: 'erase_exports',
    text: `update exports
      set
        status = case when status = 'ready' then 'erased' else status end,
        revision = revision + 1,
        bytes = null,
        chunks = null
      where user_id = $1 and status in ('pending', 'ready')`,
    values: [userId],
  });
  if (erased.rowCount === 0) return;
  // A statement of its own: it must see the chunks of the transactions that the update waited for.
  await sql.query({
    name: 'erase_export_chunks',
    text: 'delete from export_chunks where user_id = $1',
    values: [userId],
  });
}

/** Returns a chunk of an export's file, counted from 0; undefined after the last. */
export async function findExportChunk(
  sql: Sql,
  userId: string,
  id: string,
  chunk: number,
): Promise<Buffer | undefined> {
  const result = await sql.query<{ bytes: Buffer }>({
    name: 'find_export_chunk',
    text: 'select bytes from export_chunks where user_id = $1 and export_id = $2 and chunk = $3',
    values: [userId, id, chunk],
  });
  return result.rows[0]?.bytes;
}

/** Marks an export's file as complete and deletes the tenant's earlier exports. */
export async function completeExport(sql: Sql, userId: string, row: Omit<ExportRow, 'created_at'>): Promise<void> {
  await sql.query({
    text: `update exports
      set status = $3, ready_at = $4, expires_at = $5, bytes = $6, chunks = $7, counts = $8
      where user_id = $1 and id = $2`,
    values: [
      userId,
      row.id,
      row.status,
      row.ready_at,
      row.expires_at,
      row.bytes,
      row.chunks,
      JSON.stringify(row.counts),
    ],
  });
  await sql.query({
    text: "delete from exports where user_id = $1 and id <> $2 and status <> 'pending'",
    values: [userId, row.id],
  });
}

/**
 * Marks exports that have been pending since before `pendingBefore` as failed, deletes those created before `createdBefore`, and
 * returns the number of deleted ones. Runs as the database owner.
 */
export async function deleteOldExports(
  sql: Sql,
  before: { pendingBefore: Date; createdBefore: Date },
): Promise<number> {
  await sql.query({
    text: "update exports set status = 'failed' where status = 'pending' and created_at < $1",
    values: [before.pendingBefore],
  });
  const result = await sql.query({
    text: "delete from exports where status <> 'pending' and created_at < $1",
    values: [before.createdBefore],
  });
  return result.rowCount ?? 0;
}
