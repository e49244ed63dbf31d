import { z } from 'zod';
import {
  countImportFindings,
  type ImportFindingRow,
  listImportFindings,
} from '../../../db/queries/accounts/import-items.ts';
import {
  deleteImport,
  findImport,
  type ImportRow,
  insertImport,
  listImports,
  nextImportChunk,
  putImportChunk,
  sumUploads,
  updateImport,
} from '../../../db/queries/accounts/imports.ts';
import { lockTenantStatement } from '../../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../../context.ts';
import {
  IMPORT_BYTES_PER_UNIT,
  type ImportFormat,
  type importReport,
  type startImport,
} from '../../contracts/import.ts';
import { canEmbed, type EmbedderStates } from '../../embeddings/embedder.ts';
import { Problem } from '../../errors.ts';
import { decodeCursor, encodeCursor } from '../../listing/cursor.ts';
import { NO_COUNTS } from './check.ts';
import { enqueueImport } from './run-import.ts';

/** Imports of an account that hold an upload at the same time. */
const UPLOADS_MAX = 20;
/** Uploads may have this many times the storage of the plan: the texts of a file are escaped, and some of it is not stored. */
const UPLOAD_FACTOR = 2;
const REPORT_POSITION = z.tuple([z.int32().min(1)]);
const LISTED = 20;
/** Findings that come with the state of an import. */
const FIRST_FINDINGS = 20;

type StartInput = z.output<(typeof startImport)['input']>;

/**
 * Starts an import. With the whole file in the input it is checked, or run, at once; otherwise it waits for the upload.
 * @throws Problem `import_state` for too many imports at once, `storage_full` for uploads that are too large together
 */
export async function start(context: RequestContext, caller: Caller, input: StartInput, embedders: EmbedderStates) {
  const { name, content, data, dry_run, ...options } = input;
  const { userId } = caller;
  // Starts one after the other, so that the bounds are exact.
  await context.sql.query(lockTenantStatement(userId));
  if ((await sumUploads(context.sql, userId)).imports >= UPLOADS_MAX) {
    throw wrongState(
      `You have ${UPLOADS_MAX} imports that have not ended. Run them, or delete one with DELETE /import/{id}.`,
    );
  }
  const id = context.newId();
  await insertImport(context.sql, userId, { id, name, options, counts: NO_COUNTS, created_at: context.now() });
  const bytes = content === undefined ? Buffer.from(data ?? '', 'base64') : Buffer.from(content);
  if (content === undefined && data === undefined)
    return { ...(await stateOf(context, caller, await find(context, caller, id))), charged: 0 };
  await putChunk(context, caller, id, 0, bytes);
  return begin(context, caller, await find(context, caller, id), dry_run, embedders);
}

/**
 * Stores a part of an upload.
 * @throws Problem `import_state` once the import was run, `storage_full` for uploads that are too large together
 */
export async function upload(context: RequestContext, caller: Caller, input: { id: string; n: number; data: string }) {
  const { status } = await find(context, caller, input.id, true);
  if (status !== 'uploading') throw wrongState('This import was run already. Start another one for another file.');
  const uploaded_bytes = await putChunk(context, caller, input.id, input.n, Buffer.from(input.data, 'base64'));
  const { next } = await nextImportChunk(context.sql, caller.userId, input.id);
  return { id: input.id, uploaded_bytes, next_chunk: next };
}

/**
 * Checks an upload, or stores its memories.
 * @throws Problem `import_state` for an incomplete upload, or a file that cannot be read
 */
export async function run(
  context: RequestContext,
  caller: Caller,
  input: { id: string; dry_run: boolean },
  embedders: EmbedderStates,
) {
  return begin(context, caller, await find(context, caller, input.id, true), input.dry_run, embedders);
}

/** Lists the newest imports. */
export async function list(context: RequestContext, caller: Caller) {
  const rows = await listImports(context.sql, caller.userId, LISTED);
  return { results: rows.map((row) => serialize(row, caller)) };
}

/** Returns the state of an import with its first findings. */
export async function get(context: RequestContext, caller: Caller, input: { id: string }) {
  return stateOf(context, caller, await find(context, caller, input.id));
}

/** Lists the findings of an import, in the order of the file. */
export async function report(
  context: RequestContext,
  caller: Caller,
  { id, limit, cursor }: { id: string; limit: number; cursor?: string | undefined },
) {
  await find(context, caller, id);
  const after = cursor === undefined ? 0 : decodeCursor(id, cursor, REPORT_POSITION)[0];
  const [rows, total] = await Promise.all([
    listImportFindings(context.sql, caller.userId, id, { limit: limit + 1, after }),
    countImportFindings(context.sql, caller.userId, id),
  ]);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    results: page.map(serializeFinding),
    total,
    next_cursor: rows.length > limit && last ? encodeCursor(id, [last.finding]) : null,
  };
}

/** Cancels an import, or deletes its report. */
export async function remove(context: RequestContext, caller: Caller, { id }: { id: string }) {
  if (!(await deleteImport(context.sql, caller.userId, id))) throw notFound(id);
  return { id, status: 'deleted' as const };
}

async function begin(
  context: RequestContext,
  caller: Caller,
  row: ImportRow,
  isDryRun: boolean,
  embedders: EmbedderStates,
) {
  const { sql } = context;
  if (row.status === 'uploading') await requireUpload(context, caller, row.id);
  if (row.status === 'failed') throw wrongState(`The file cannot be read: ${row.reason} Start another import.`);
  const next = nextStatus(row, isDryRun);
  const isFirstRun = !isDryRun && !row.is_run;
  if (next !== row.status || isFirstRun) {
    const changes = { status: next, updated_at: context.now(), ...(next === 'checking' && { reason: null }) };
    const running = isFirstRun ? { is_run: true, embeds: canEmbed(embedders) } : {};
    await updateImport(sql, caller.userId, row.id, { ...changes, ...running });
    await enqueueImport(sql, caller.userId, row.id);
  }
  const charged = isFirstRun && caller.sessionId === null ? costOf(row, caller) : 0;
  return { ...(await stateOf(context, caller, await find(context, caller, row.id))), charged };
}

/** Returns the status into which a run, or a dry run, brings an import. */
function nextStatus({ status }: ImportRow, isDryRun: boolean): ImportRow['status'] {
  if (status === 'uploading') return 'checking';
  if (isDryRun) return status;
  if (status === 'checked') return 'importing';
  // Read again: what was imported before is found unchanged.
  return status === 'stopped' ? 'checking' : status;
}

async function requireUpload({ sql }: RequestContext, { userId }: Caller, id: string): Promise<void> {
  const { next, hasGap } = await nextImportChunk(sql, userId, id);
  if (next === 0) throw wrongState('Nothing was uploaded yet. Send the file with PUT /import/{id}/chunks/0.');
  if (hasGap) throw wrongState(`Part ${next} of the upload is missing.`);
}

async function putChunk(
  { sql, now }: RequestContext,
  { userId, limits, plan }: Caller,
  id: string,
  chunk: number,
  bytes: Buffer,
) {
  const uploaded = await putImportChunk(sql, userId, { id, chunk, bytes, now: now() });
  const max = UPLOAD_FACTOR * limits.storage_bytes;
  if ((await sumUploads(sql, userId)).bytes > max) {
    throw new Problem('storage_full', {
      detail: `The uploads of your imports may have ${max} bytes together: twice the storage of the ${plan} plan.`,
      extra: { limit_bytes: max },
    });
  }
  return uploaded;
}

async function find({ sql }: RequestContext, { userId }: Caller, id: string, lock = false): Promise<ImportRow> {
  const found = await findImport(sql, userId, id, lock);
  if (!found) throw notFound(id);
  return found;
}

/** Returns the quota units of the day that a run costs: at most half of those of a day. */
function costOf({ uploaded_bytes }: ImportRow, { limits }: Caller): number {
  const half = Math.max(1, Math.floor(limits.requests_per_day / 2));
  return Math.min(Math.ceil(uploaded_bytes / IMPORT_BYTES_PER_UNIT), half);
}

async function stateOf(context: RequestContext, caller: Caller, row: ImportRow) {
  const first = { limit: FIRST_FINDINGS, after: 0, without: 'unchanged' };
  const [findings, { next }] = await Promise.all([
    listImportFindings(context.sql, caller.userId, row.id, first),
    nextImportChunk(context.sql, caller.userId, row.id),
  ]);
  return { ...serialize(row, caller), next_chunk: next, findings: findings.map(serializeFinding) };
}

function serialize(row: ImportRow, caller: Caller) {
  const { id, status, name, format, is_run, uploaded_bytes, counts, reason } = row;
  return {
    id,
    status,
    name,
    format: format as ImportFormat | null,
    dry_run: !is_run,
    uploaded_bytes,
    progress: progressOf(row),
    counts,
    cost: costOf(row, caller),
    reason,
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

function progressOf({ status, read_bytes, uploaded_bytes, counts }: ImportRow): number {
  const part = (done: number, all: number) => (all > 0 ? Math.min(1, Math.floor((100 * done) / all) / 100) : 0);
  if (status === 'checking') return part(read_bytes, uploaded_bytes);
  if (status === 'uploading') return 0;
  if (status === 'checked' || status === 'completed' || status === 'failed') return 1;
  return part(counts.imported_memories + counts.imported_versions, counts.memories + counts.versions);
}

type Finding = z.input<(typeof importReport)['output']>['results'][number];

function serializeFinding({ line, what, code, why }: ImportFindingRow): Finding {
  return { line, what, code: code as Finding['code'], why };
}

function wrongState(detail: string): Problem {
  return new Problem('import_state', { detail });
}

function notFound(id: string): Problem {
  return new Problem('not_found', { detail: `You have no import ${id}.` });
}
