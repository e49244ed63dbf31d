import type { Sql } from '../../client/sql.ts';

export type ImportStatus = 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';

/** Counters of an import. Those of the check say what a run would do, `imported` ones what it did. */
export interface ImportCounts {
  /** Records that were read. */
  records: number;
  /** Memories that the account does not have. */
  memories: number;
  /** Former versions of memories that the account does not have. */
  versions: number;
  /** Records that the account has already. */
  unchanged: number;
  /** Records that do not fit. */
  rejected: number;
  /** Records of other kinds, such as the keys of an account export. */
  ignored: number;
  /** Bytes of storage that the new memories and versions need. */
  storage_bytes: number;
  imported_memories: number;
  imported_versions: number;
}

/** An import, without its uploaded parts. */
export interface ImportRow {
  id: string;
  status: ImportStatus;
  name: string;
  options: Record<string, unknown>;
  format: string | null;
  /** The memories are stored, or will be once the check is done; false for a dry run. */
  is_run: boolean;
  /** Stored memories are enqueued for embedding. */
  embeds: boolean;
  uploaded_bytes: number;
  /** Bytes of the upload that the check has read. */
  read_bytes: number;
  counts: ImportCounts;
  /** Why it stopped or failed. */
  reason: string | null;
  created_at: Date;
  updated_at: Date;
  finished_at: Date | null;
}

const COLUMNS = `id, status, name, options, format, is_run, embeds, uploaded_bytes::float8 as uploaded_bytes,
  read_bytes::float8 as read_bytes, counts, reason, created_at, updated_at, finished_at`;

/** Creates an import that waits for its upload. */
export async function insertImport(
  sql: Sql,
  userId: string,
  row: Pick<ImportRow, 'id' | 'name' | 'options' | 'counts' | 'created_at'>,
): Promise<void> {
  await sql.query({
    text: `insert into imports (user_id, id, status, name, options, counts, created_at, updated_at)
      values ($1, $2, 'uploading', $3, $4, $5, $6, $6)`,
    values: [userId, row.id, row.name, JSON.stringify(row.options), JSON.stringify(row.counts), row.created_at],
  });
}

/** Finds an import. `lock` holds it until the transaction ends. */
export async function findImport(sql: Sql, userId: string, id: string, lock = false): Promise<ImportRow | undefined> {
  const result = await sql.query<ImportRow>({
    text: `select ${COLUMNS}
      from imports
      where user_id = $1 and id = $2
      ${lock ? 'for update' : ''}`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** Lists the tenant's newest imports. */
export async function listImports(sql: Sql, userId: string, limit: number): Promise<ImportRow[]> {
  const result = await sql.query<ImportRow>({
    text: `select ${COLUMNS}
      from imports
      where user_id = $1
      order by created_at desc, id desc
      limit $2`,
    values: [userId, limit],
  });
  return result.rows;
}

/** Returns the number of a tenant's imports that hold an upload, and the bytes of these uploads. */
export async function sumUploads(sql: Sql, userId: string): Promise<{ imports: number; bytes: number }> {
  const result = await sql.query<{ imports: number; bytes: number }>({
    text: `select count(*)::float8 as imports, coalesce(sum(uploaded_bytes), 0)::float8 as bytes
      from imports
      where user_id = $1 and status not in ('completed', 'failed')`,
    values: [userId],
  });
  return result.rows[0] ?? { imports: 0, bytes: 0 };
}

/** Changes the columns that are given. */
export async function updateImport(
  sql: Sql,
  userId: string,
  id: string,
  changes: Partial<Omit<ImportRow, 'id' | 'name' | 'options' | 'created_at' | 'uploaded_bytes'>>,
): Promise<void> {
  const columns = Object.keys(changes);
  const values = Object.values(changes).map((value) =>
    value !== null && typeof value === 'object' && !(value instanceof Date) ? JSON.stringify(value) : value,
  );
  await sql.query({
    text: `update imports
      set ${columns.map((column, index) => `${column} = $${index + 3}`).join(', ')}
      where user_id = $1 and id = $2`,
    values: [userId, id, ...values],
  });
}

/** Stores a part of an upload, in place of an earlier one of the same number, and returns the bytes of the whole upload. */
export async function putImportChunk(
  sql: Sql,
  userId: string,
  { id, chunk, bytes, now }: { id: string; chunk: number; bytes: Buffer; now: Date },
): Promise<number> {
  const result = await sql.query<{ uploaded_bytes: number }>({
    name: 'put_import_chunk',
    text: `with former as (
        select octet_length(bytes) as length
        from import_chunks
        where user_id = $1 and import_id = $2 and chunk = $3
      ),
      stored as (
        insert into import_chunks (user_id, import_id, chunk, bytes)
        values ($1, $2, $3, $4)
        on conflict (user_id, import_id, chunk) do update set bytes = excluded.bytes
      )
      update imports
      set
        uploaded_bytes = uploaded_bytes + octet_length($4::bytea) - coalesce((select length from former), 0),
        updated_at = $5
      where user_id = $1 and id = $2
      returning uploaded_bytes::float8 as uploaded_bytes`,
    values: [userId, id, chunk, bytes, now],
  });
  return result.rows[0]?.uploaded_bytes ?? 0;
}

/** Returns the lowest number of a part that was not uploaded, and whether a later one was. */
export async function nextImportChunk(
  sql: Sql,
  userId: string,
  id: string,
): Promise<{ next: number; hasGap: boolean }> {
  const result = await sql.query<{ next: number; count: number }>({
    text: `with uploaded as (
        select chunk, row_number() over (order by chunk) - 1 as position
        from import_chunks
        where user_id = $1 and import_id = $2
      )
      select
        coalesce(min(position) filter (where chunk <> position), count(*))::float8 as next,
        count(*)::float8 as count
      from uploaded`,
    values: [userId, id],
  });
  const { next = 0, count = 0 } = result.rows[0] ?? {};
  return { next, hasGap: next < count };
}

/** Returns a part of an upload, counted from 0; undefined after the last. */
export async function findImportChunk(
  sql: Sql,
  userId: string,
  id: string,
  chunk: number,
): Promise<Buffer | undefined> {
  const result = await sql.query<{ bytes: Buffer }>({
    name: 'find_import_chunk',
    text: 'select bytes from import_chunks where user_id = $1 and import_id = $2 and chunk = $3',
    values: [userId, id, chunk],
  });
  return result.rows[0]?.bytes;
}

/** Deletes the upload of an import that has ended. */
export async function deleteImportUpload(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from import_chunks where user_id = $1 and import_id = $2', values: [userId, id] });
  await sql.query({ text: 'delete from import_items where user_id = $1 and import_id = $2', values: [userId, id] });
}

/** Deletes what an earlier check of an import wrote. */
export async function deleteImportCheck(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from import_items where user_id = $1 and import_id = $2', values: [userId, id] });
  await sql.query({ text: 'delete from import_findings where user_id = $1 and import_id = $2', values: [userId, id] });
}

/** Deletes an import with everything that belongs to it. Returns whether there was one. */
export async function deleteImport(sql: Sql, userId: string, id: string): Promise<boolean> {
  const result = await sql.query({ text: 'delete from imports where user_id = $1 and id = $2', values: [userId, id] });
  return result.rowCount === 1;
}

/**
 * Deletes the imports that ended before `endedBefore` and those that have not changed since `idleBefore` and did not end. Runs as the
 * database owner.
 */
export async function deleteOldImports(sql: Sql, before: { endedBefore: Date; idleBefore: Date }): Promise<void> {
  await sql.query({
    text: `delete from imports
      where updated_at < case when status in ('completed', 'failed') then $1::timestamptz else $2::timestamptz end`,
    values: [before.endedBefore, before.idleBefore],
  });
}
