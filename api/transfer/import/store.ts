import type { Database } from '../../../db/client/database.ts';
import { violatedConstraint, withSavepoint } from '../../../db/client/sql.ts';
import {
  deleteImportItems,
  type ImportFindingRow,
  type ImportItemRow,
  insertImportFindings,
  takeImportItems,
} from '../../../db/queries/accounts/import-items.ts';
import { deleteImportUpload, findImport, type ImportRow, updateImport } from '../../../db/queries/accounts/imports.ts';
import { markDigest } from '../../../db/queries/memories/digests.ts';
import { type ImportedVersion, insertImportedVersion } from '../../../db/queries/memories/imported.ts';
import { supersedesTransitively } from '../../../db/queries/memories/memories.ts';
import type { NewMemoryRow } from '../../../db/queries/memories/row.ts';
import { lockTenantStatement } from '../../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../../context.ts';
import type { EmbedderStates } from '../../embeddings/embedder.ts';
import { Problem } from '../../errors.ts';
import { contentHash } from '../../memories/content-hash.ts';
import { storeRow } from '../../memories/create.ts';
import { changeStorage } from '../../memories/storage-quota.ts';
import { isRowError, storeRows } from '../../memories/store-rows.ts';
import { recordEvent } from '../../webhooks/events.ts';
import { FINDINGS_MAX } from './check.ts';
import { findOwner, MAY_NOT_WRITE, STORAGE_FULL } from './owner.ts';

type Clock = Pick<RequestContext, 'now' | 'newId'>;

/** Memories of one transaction, during which the tenant cannot write. */
const BATCH = 100;
const BATCH_BYTES = 2_097_152;
/** Columns that JSON holds as texts. */
const TIMES = ['occurred_at', 'expires_at', 'created_at', 'updated_at', 'written_at'];

/**
 * Stores the next memories of an import, in one transaction with their removal from its items: an import that is killed continues
 * after the last transaction. Returns whether there may be more.
 */
export function storeBatch(database: Database, clock: Clock, userId: string, id: string): Promise<boolean> {
  return database.write(
    userId,
    async (sql) => {
      const found = await findImport(sql, userId, id, true);
      if (found?.status !== 'importing') return false;
      const context = { ...clock, sql };
      const caller = await findOwner(sql, userId);
      if (!caller) return stop(context, userId, found, MAY_NOT_WRITE);
      const items = await takeImportItems(sql, userId, id, { limit: BATCH, bytesMax: BATCH_BYTES });
      if (items.length === 0) return complete(context, userId, found);
      return storeItems(context, caller, found, items);
    },
    { before: [lockTenantStatement(userId)] },
  );
}

async function storeItems(
  context: RequestContext,
  caller: Caller,
  found: ImportRow,
  items: readonly ImportItemRow[],
): Promise<boolean> {
  const counts = { ...found.counts };
  const findings: Omit<ImportFindingRow, 'finding'>[] = [];
  let isFull = false;
  const stored = await storeTogether(context, caller, items, found.embeds);
  for (const item of items) {
    const { line, label: what } = item;
    if (item.kind === 'memory' && stored.has(String(item.data.id))) {
      counts.imported_memories++;
      continue;
    }
    try {
      const stored = await withSavepoint(context.sql, () => storeItem(context, caller, item, found.embeds));
      if (stored.isNew) counts[item.kind === 'memory' ? 'imported_memories' : 'imported_versions']++;
      if (stored.isUnlinked) findings.push({ line, what, code: 'link_dropped', why: 'supersedes: would form a cycle' });
    } catch (error) {
      const problem = toFinding(error);
      findings.push({ line, what, ...problem });
      isFull = problem.code === 'storage_full';
      if (isFull) break;
      counts.rejected++;
    }
  }
  await insertImportFindings(context.sql, caller.userId, found.id, findings, FINDINGS_MAX);
  await updateImport(context.sql, caller.userId, found.id, { counts, updated_at: context.now() });
  return isFull ? stop(context, caller.userId, found, STORAGE_FULL) : true;
}

/** Stores the memories that can be stored in one statement, see {@link storeRows}. Returns their ids. */
function storeTogether(context: RequestContext, caller: Caller, items: readonly ImportItemRow[], embeds: boolean) {
  const rows = items
    .filter(({ kind, data }) => kind === 'memory' && !data.is_digest && data.supersedes === null)
    .map(({ data }) => {
      const row = toColumns(data) as unknown as Omit<NewMemoryRow, 'content_hash'>;
      return { ...row, content_hash: contentHash(row) };
    });
  return storeRows(context, caller, rows, embeddersOf(embeds));
}

async function storeItem(
  context: RequestContext,
  caller: Caller,
  { kind, data }: ImportItemRow,
  embeds: boolean,
): Promise<{ isNew: boolean; isUnlinked?: boolean }> {
  const { sql } = context;
  const { userId } = caller;
  const values = toColumns(data);
  if (kind === 'version') {
    const version = values as unknown as ImportedVersion;
    const isNew = await insertImportedVersion(sql, userId, version);
    if (isNew) await changeStorage(context, caller, { bytes: version.size_bytes });
    return { isNew };
  }
  const row = values as unknown as Omit<NewMemoryRow, 'content_hash'>;
  const isUnlinked = row.supersedes !== null && (await supersedesTransitively(sql, userId, row.supersedes, row.id));
  const complete = { ...row, supersedes: isUnlinked ? null : row.supersedes, content_hash: contentHash(row) };
  const { deduplicated } = await storeRow(context, caller, complete, embeddersOf(embeds));
  if (row.is_digest && !deduplicated) await markDigest(sql, userId, row.id);
  return { isNew: !deduplicated, isUnlinked };
}

function embeddersOf(embeds: boolean): EmbedderStates {
  return { current: { state: embeds ? 'ready' : 'disabled' } };
}

function toColumns(data: ImportItemRow['data']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toColumn(key, value)]));
}

function toColumn(key: string, value: unknown): unknown {
  return TIMES.includes(key) && typeof value === 'string' ? new Date(value) : value;
}

/** Converts an error that concerns one item; rethrows any other, with which the whole batch is repeated. */
function toFinding(error: unknown): { code: string; why: string } {
  if (error instanceof Problem) {
    return { code: error.code === 'storage_full' ? 'storage_full' : 'rejected', why: error.message };
  }
  if (violatedConstraint(error) === 'memories_pkey') {
    return { code: 'id_exists', why: 'you have a memory of this id, which stays as it is' };
  }
  if (isRowError(error)) return { code: 'rejected', why: 'a value cannot be stored' };
  throw error;
}

/** Stops an import. Its upload is kept, so that it can be run again. */
async function stop({ sql, now }: RequestContext, userId: string, { id }: ImportRow, reason: string): Promise<false> {
  await deleteImportItems(sql, userId, id);
  await updateImport(sql, userId, id, { status: 'stopped', reason, updated_at: now() });
  return false;
}

/** Ends an import whose items are stored. One that was cut at the check, because the storage did not suffice, is stopped. */
async function complete(context: RequestContext, userId: string, found: ImportRow): Promise<false> {
  if (found.reason !== null) return stop(context, userId, found, found.reason);
  const { sql, now } = context;
  await updateImport(sql, userId, found.id, { status: 'completed', updated_at: now(), finished_at: now() });
  await deleteImportUpload(sql, userId, found.id);
  const { imported_memories: memories, imported_versions: versions, rejected } = found.counts;
  await recordEvent(context, userId, 'import.completed', { id: found.id, memories, versions, rejected });
  return false;
}
