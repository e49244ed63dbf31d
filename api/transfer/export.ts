import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { findAcceptedTerms } from '../../db/queries/accounts/accepted-terms.ts';
import {
  countForExport,
  EXPORT_KINDS,
  type ExportKind,
  pagesForExport,
} from '../../db/queries/accounts/export-rows.ts';
import {
  completeExport,
  deleteExportChunks,
  deleteOldExports,
  type ExportRow,
  findExport,
  findExportChunk,
  insertExport,
  insertExportChunk,
  lockPendingExport,
} from '../../db/queries/accounts/exports.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { enqueue } from '../../db/queries/jobs/job-queue.ts';
import { exportAccountJob } from '../../db/queries/jobs/job-types.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Streamed } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS, formatWithOffset } from '../time.ts';
import { recordEvent } from '../webhooks/events.ts';

/** Days for which the file of an export is kept. */
export const EXPORT_DAYS = 7;

/** Age at which a pending export counts as failed. */
const PENDING_MAX_MS = DAY_MS;
const CHUNK_BYTES = 262_144;
/** The job queue repeats the job, which then starts again from a new snapshot. */
const OUTDATED = 'a memory was deleted permanently, or the export, while its file was written';
const FILE_PATH = '/api/v1/account/export/file';

type Clock = Pick<RequestContext, 'now' | 'newId'>;

/**
 * Requests an export of all data of the account and enqueues the job that writes it. Returns the pending export if there is one.
 * @throws Problem `scope_required` for a key without `memories:read`
 */
export async function requestExport(context: RequestContext, caller: Caller) {
  requireMemoriesScope(caller);
  const id = context.newId();
  const pending = await insertExport(context.sql, caller.userId, id, context.now());
  if (pending.id === id) {
    await audit(context, caller.userId, { actor: actorOf(caller), action: 'account.export', target: id });
  }
  const payload = { user_id: caller.userId, export_id: pending.id };
  await enqueue(context.sql, exportAccountJob, payload, { key: `export:${pending.id}` });
  return serializeExport(pending);
}

/** Returns the newest export. @throws Problem `not_found` when there is none */
export async function getExport(context: RequestContext, caller: Caller) {
  const newest = await findExport(context.sql, caller.userId);
  if (!newest) throw new Problem('not_found', { detail: 'You have no export. Request one with POST /account/export.' });
  return serializeExport(newest);
}

/** Lists the newest export, where there is one. */
export async function listExports(context: RequestContext, caller: Caller) {
  const newest = await findExport(context.sql, caller.userId);
  const results = newest ? [serializeExport(newest)] : [];
  return { results, total: results.length };
}

/**
 * Returns the file of the newest export that is ready.
 * @param context its `sql` must work until the file has been sent
 * @throws Problem `not_found` when there is none, `scope_required` for a key without `memories:read`
 */
export async function downloadExport(context: RequestContext, caller: Caller): Promise<Streamed> {
  requireMemoriesScope(caller);
  const ready = await findExport(context.sql, caller.userId, 'ready');
  if (!ready || isExpired(ready, context.now()))
    throw new Problem('not_found', {
      detail: 'You have no export that is ready. GET /account/export returns its status.',
    });
  return {
    name: `whitemagic-export-${ready.created_at.toISOString().slice(0, 10)}.ndjson.gz`,
    bytes: ready.bytes ?? 0,
    pieces: readChunks(context.sql, caller.userId, ready),
  };
}

/**
 * Writes the file of a pending export from one snapshot of the account, in bounded memory, and sends the owner an e-mail. Replaces the
 * chunks of an earlier attempt; does nothing for an export that is no longer pending.
 * @throws Error if a memory was deleted permanently meanwhile: it must not be in the file
 */
export async function writeExport(database: Database, clock: Clock, userId: string, id: string): Promise<void> {
  const revision = await database.write(userId, async (sql) => {
    const pending = await lockPendingExport(sql, userId, id);
    if (pending) await deleteExportChunks(sql, userId, id);
    return pending?.revision;
  });
  if (revision === undefined) return;

  let [chunks, bytes] = [0, 0];
  const store = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      const chunk = { id, revision, chunk: chunks, bytes: piece };
      const isInserted = await database.write(userId, (sql) => insertExportChunk(sql, userId, chunk));
      if (!isInserted) throw new Error(OUTDATED);
      chunks++;
      bytes += piece.length;
    }
  };
  const counts = await database.snapshot(userId, async (sql) => {
    const counts = await countForExport(sql, userId);
    const manifest = await buildManifest(sql, userId, counts, clock.now());
    await pipeline(generateLines(sql, userId, manifest), createGzip(), inChunks, store);
    return counts;
  });
  await database.write(userId, async (sql) => {
    const pending = await lockPendingExport(sql, userId, id);
    if (pending?.revision !== revision) throw new Error(OUTDATED);
    await finishExport({ ...clock, sql }, userId, { id, bytes, chunks, counts });
  });
}

/** Deletes expired exports. Runs as the database owner. */
export async function deleteExpiredExports(sql: Sql, now: Date): Promise<void> {
  const ago = (ms: number) => new Date(now.getTime() - ms);
  await deleteOldExports(sql, { pendingBefore: ago(PENDING_MAX_MS), createdBefore: ago(EXPORT_DAYS * DAY_MS) });
}

async function finishExport(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  userId: string,
  written: Pick<ExportRow, 'id' | 'bytes' | 'chunks' | 'counts'>,
): Promise<void> {
  const now = context.now();
  const expires_at = new Date(now.getTime() + EXPORT_DAYS * DAY_MS);
  await completeExport(context.sql, userId, { ...written, status: 'ready', ready_at: now, expires_at });
  const data = { id: written.id, bytes: written.bytes ?? 0, expires_at: expires_at.toISOString() };
  await recordEvent(context, userId, 'export.ready', data);
  const user = await findUser(context.sql, userId);
  if (user)
    await mailOwner(context, user, 'export_ready', { url: '/app/account', expires_at: expires_at.toISOString() });
}

/** Builds the first line of the file: its format, the account, and the number of lines of each kind. */
async function buildManifest(sql: Sql, userId: string, counts: Record<ExportKind, number>, now: Date) {
  const user = await findUser(sql, userId);
  if (!user) throw new Error(`account ${userId} does not exist`);
  const { id, email, plan, status, overrides, created_at } = user;
  const terms = await findAcceptedTerms(sql, userId);
  const account = { id, email, plan, status, overrides, created_at, ...terms };
  return { kind: 'manifest', format: 'whitemagic-export', version: 1, exported_at: now, account, counts };
}

/** Writes the time of an event as every response does: with its offset. Only digests are marked. */
function serializeRow(row: Record<string, unknown>): Record<string, unknown> {
  if (!('occurred_offset_minutes' in row)) return row;
  const { occurred_offset_minutes: offset, is_digest, ...rest } = row;
  const occurred = row.occurred_at as Date | null;
  const occurred_at = occurred && formatWithOffset(occurred, Number(offset));
  return { ...rest, occurred_at, ...(is_digest === true && { is_digest }) };
}

/** Yields NDJSON, a page of rows at a time. */
async function* generateLines(sql: Sql, userId: string, manifest: object): AsyncGenerator<string> {
  yield `${JSON.stringify(manifest)}\n`;
  for (const kind of EXPORT_KINDS) {
    for await (const rows of pagesForExport(sql, userId, kind)) {
      yield rows.map((row) => `${JSON.stringify({ kind, ...serializeRow(row) })}\n`).join('');
    }
  }
}

/** Splits a stream into chunks of at least {@link CHUNK_BYTES}; the last one is what remains. */
async function* inChunks(source: Readable): AsyncGenerator<Buffer> {
  let buffered: Buffer[] = [];
  let length = 0;
  for await (const bytes of source as AsyncIterable<Buffer>) {
    buffered.push(bytes);
    length += bytes.length;
    if (length < CHUNK_BYTES) continue;
    yield Buffer.concat(buffered);
    [buffered, length] = [[], 0];
  }
  if (length > 0) yield Buffer.concat(buffered);
}

async function* readChunks(sql: Sql, userId: string, { id, chunks }: ExportRow): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk < (chunks ?? 0); chunk++) {
    const bytes = await findExportChunk(sql, userId, id, chunk);
    if (!bytes) throw new Error('the export was replaced while it was being sent');
    yield bytes;
  }
}

function serializeExport({ id, status, created_at, ready_at, expires_at, bytes, counts }: ExportRow) {
  return {
    id,
    status,
    created_at: created_at.toISOString(),
    ready_at: ready_at?.toISOString() ?? null,
    expires_at: expires_at?.toISOString() ?? null,
    bytes,
    counts,
    file: status === 'ready' ? FILE_PATH : null,
  };
}

function isExpired({ expires_at }: ExportRow, now: Date): boolean {
  return expires_at !== null && expires_at <= now;
}

/** Rejects keys without `memories:read`, since an export contains every memory. */
function requireMemoriesScope({ scopes }: Caller): void {
  if (scopes.includes('memories:read')) return;
  throw new Problem('scope_required', {
    detail: `This requires the scopes account:read and memories:read; the key has ${scopes.join(', ')}.`,
    extra: { required_scope: 'memories:read' },
  });
}
