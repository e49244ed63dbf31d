import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
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
import { audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Streamed } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS } from '../time.ts';

/** Days that an export's file is kept. */
export const EXPORT_DAYS = 7;

/** A pending export is given up after so long. */
const PENDING_MAX_MS = DAY_MS;
const CHUNK_BYTES = 262_144;
const FILE_PATH = '/api/v1/account/export/file';

type Clock = Pick<RequestContext, 'now' | 'newId'>;

/**
 * Asks for an export of everything the account holds; a job writes it. While one is pending, that is the one.
 * @throws Problem `scope_required` for a key that may not read memories
 */
export async function requestExport(context: RequestContext, caller: Caller) {
  requireMemories(caller);
  const id = context.newId();
  const pending = await insertExport(context.sql, caller.userId, id, context.now());
  if (pending.id === id) {
    await audit(context, caller.userId, { actor: `key:${caller.keyId}`, action: 'account.export', target: id });
  }
  const payload = { user_id: caller.userId, export_id: pending.id };
  await enqueue(context.sql, exportAccountJob, payload, { key: `export:${pending.id}` });
  return present(pending);
}

/** The newest export. @throws Problem `not_found` when there is none */
export async function exportState(context: RequestContext, caller: Caller) {
  const newest = await findExport(context.sql, caller.userId);
  if (!newest) throw new Problem('not_found', { detail: 'You have no export. POST to this address asks for one.' });
  return present(newest);
}

/**
 * The file of the newest export that is ready.
 * @param context `sql` works until the file is sent
 * @throws Problem `not_found` when there is none, `scope_required` for a key that may not read memories
 */
export async function exportFile(context: RequestContext, caller: Caller): Promise<Streamed> {
  requireMemories(caller);
  const ready = await findExport(context.sql, caller.userId, 'ready');
  if (!ready || isOver(ready, context.now()))
    throw new Problem('not_found', { detail: 'You have no export that is ready.' });
  return {
    name: `whitemagic-export-${ready.created_at.toISOString().slice(0, 10)}.ndjson.gz`,
    bytes: ready.bytes ?? 0,
    pieces: chunksOf(context.sql, caller.userId, ready),
  };
}

/**
 * Writes the file of a pending export, of one moment of the account and in bounded memory, and mails the owner. What an earlier
 * try left is replaced; an export that is done with is left alone.
 */
export async function writeExport(database: Database, clock: Clock, userId: string, id: string): Promise<void> {
  const isPending = await database.write(userId, async (sql) => {
    if (!(await lockPendingExport(sql, userId, id))) return false;
    await deleteExportChunks(sql, userId, id);
    return true;
  });
  if (!isPending) return;

  let [chunks, bytes] = [0, 0];
  const store = async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) {
      await database.write(userId, (sql) => insertExportChunk(sql, userId, id, chunks, piece));
      chunks++;
      bytes += piece.length;
    }
  };
  const counts = await database.snapshot(userId, async (sql) => {
    const counts = await countForExport(sql, userId);
    const manifest = await manifestOf(sql, userId, counts, clock.now());
    await pipeline(linesOf(sql, userId, manifest), createGzip(), inChunks, store);
    return counts;
  });
  await database.write(userId, async (sql) => {
    if (!(await lockPendingExport(sql, userId, id))) return;
    await settle({ ...clock, sql }, userId, { id, bytes, chunks, counts });
  });
}

/** Removes the exports whose time is over. As the owner. */
export async function forgetOldExports(sql: Sql, now: Date): Promise<void> {
  const ago = (ms: number) => new Date(now.getTime() - ms);
  await deleteOldExports(sql, { pendingBefore: ago(PENDING_MAX_MS), createdBefore: ago(EXPORT_DAYS * DAY_MS) });
}

async function settle(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  userId: string,
  written: Pick<ExportRow, 'id' | 'bytes' | 'chunks' | 'counts'>,
): Promise<void> {
  const now = context.now();
  const expires_at = new Date(now.getTime() + EXPORT_DAYS * DAY_MS);
  await completeExport(context.sql, userId, { ...written, status: 'ready', ready_at: now, expires_at });
  const user = await findUser(context.sql, userId);
  if (user) await mailOwner(context, user, 'export_ready', { url: FILE_PATH, expires_at: expires_at.toISOString() });
}

/** The first line of the file: what it is, whose, and how many lines of each kind follow. */
async function manifestOf(sql: Sql, userId: string, counts: Record<ExportKind, number>, now: Date) {
  const user = await findUser(sql, userId);
  if (!user) throw new Error(`the account ${userId} is gone`);
  const { id, email, plan, status, overrides, created_at } = user;
  const account = { id, email, plan, status, overrides, created_at };
  return { kind: 'manifest', format: 'whitemagic-export', version: 1, exported_at: now, account, counts };
}

/** NDJSON, many lines at a time. */
async function* linesOf(sql: Sql, userId: string, manifest: object): AsyncGenerator<string> {
  yield `${JSON.stringify(manifest)}\n`;
  for (const kind of EXPORT_KINDS) {
    for await (const rows of pagesForExport(sql, userId, kind)) {
      yield rows.map((row) => `${JSON.stringify({ kind, ...row })}\n`).join('');
    }
  }
}

/** The bytes of a stream in pieces of {@link CHUNK_BYTES}; the last one has the rest. */
async function* inChunks(source: Readable): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const bytes of source as AsyncIterable<Buffer>) {
    held.push(bytes);
    length += bytes.length;
    if (length < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    [held, length] = [[], 0];
  }
  if (length > 0) yield Buffer.concat(held);
}

async function* chunksOf(sql: Sql, userId: string, { id, chunks }: ExportRow): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk < (chunks ?? 0); chunk++) {
    const bytes = await findExportChunk(sql, userId, id, chunk);
    if (!bytes) throw new Error('the export was replaced while it was being sent');
    yield bytes;
  }
}

function present({ id, status, created_at, ready_at, expires_at, bytes, counts }: ExportRow) {
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

function isOver({ expires_at }: ExportRow, now: Date): boolean {
  return expires_at !== null && expires_at <= now;
}

/** An export holds every memory, so a key that may not read them may not have it. */
function requireMemories({ scopes }: Caller): void {
  if (scopes.includes('memories:read')) return;
  throw new Problem('scope_required', {
    detail: `This needs the scopes account:read and memories:read; the key has ${scopes.join(', ')}.`,
    extra: { required_scope: 'memories:read' },
  });
}
