import type { Database } from '../../../db/client/database.ts';
import {
  type ImportFindingRow,
  type ImportItemRow,
  insertImportFindings,
  insertImportItems,
} from '../../../db/queries/accounts/import-items.ts';
import {
  deleteImportCheck,
  deleteImportUpload,
  findImport,
  findImportChunk,
  type ImportCounts,
  type ImportRow,
  updateImport,
} from '../../../db/queries/accounts/imports.ts';
import { findQuota } from '../../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../../context.ts';
import { Comparison } from './compare.ts';
import { ImportFailure } from './failure.ts';
import type { ImportOptions } from './options.ts';
import { findOwner, MAY_NOT_WRITE, STORAGE_FULL } from './owner.ts';
import { type Entry, parseRecord } from './parse-record.ts';

type Clock = Pick<RequestContext, 'now' | 'newId'>;

/** Entries that are compared and written together. */
const BATCH = 100;
const BATCH_BYTES = 4_194_304;
/** Most records of a file: what is remembered of them stays below a hundred megabytes. */
const RECORDS_MAX = 500_000;
/** Findings that are kept. All are counted. */
export const FINDINGS_MAX = 20_000;

export const NO_COUNTS: ImportCounts = {
  records: 0,
  memories: 0,
  versions: 0,
  unchanged: 0,
  rejected: 0,
  ignored: 0,
  storage_bytes: 0,
  imported_memories: 0,
  imported_versions: 0,
};

/**
 * Reads the upload of an import and writes the memories that it would store as items, and what does not fit as findings. It changes no
 * memory. It may be killed and repeated: it starts again. Then the import is `checked`, or `importing` if a run was requested.
 */
export async function checkImport(database: Database, clock: Clock, userId: string, id: string): Promise<void> {
  const begun = await database.write(userId, async (sql) => {
    const found = await findImport(sql, userId, id, true);
    const caller = await findOwner(sql, userId);
    if (found?.status !== 'checking') return undefined;
    await deleteImportCheck(sql, userId, id);
    if (!caller) await updateImport(sql, userId, id, { status: 'stopped', reason: MAY_NOT_WRITE });
    return caller && { found, caller, quota: await findQuota(sql, userId) };
  });
  if (!begun) return;
  const { found, caller, quota } = begun;
  const check = new Check(database, clock, caller, found, caller.limits.storage_bytes - quota.storage_bytes);
  try {
    await check.read();
  } catch (error) {
    if (!(error instanceof ImportFailure)) throw error;
    await endCheck(database, clock, userId, id, { status: 'failed', reason: error.message });
    return;
  }
  await endCheck(database, clock, userId, id, { reason: check.isFull ? STORAGE_FULL : null });
}

async function endCheck(
  database: Database,
  { now }: Clock,
  userId: string,
  id: string,
  { status, reason }: { status?: 'failed'; reason: string | null },
): Promise<void> {
  await database.write(userId, async (sql) => {
    const found = await findImport(sql, userId, id, true);
    if (found?.status !== 'checking') return;
    const next = status ?? (found.is_run ? 'importing' : 'checked');
    await updateImport(sql, userId, id, {
      status: next,
      reason,
      read_bytes: found.uploaded_bytes,
      updated_at: now(),
      finished_at: status ? now() : null,
    });
    if (status) await deleteImportUpload(sql, userId, id);
  });
}

/** One pass over a file. */
class Check {
  /** The storage does not suffice for the rest of the file. */
  isFull = false;
  private readonly counts = { ...NO_COUNTS };
  private readonly comparison = new Comparison();
  private readBytes = 0;
  private items = 0;
  private entries: Entry[] = [];
  private bytes = 0;

  private readonly database: Database;
  private readonly clock: Clock;
  private readonly caller: Caller;
  private readonly imported: ImportRow;
  private readonly availableBytes: number;

  constructor(database: Database, clock: Clock, caller: Caller, imported: ImportRow, availableBytes: number) {
    this.database = database;
    this.clock = clock;
    this.caller = caller;
    this.imported = imported;
    this.availableBytes = availableBytes;
  }

  async read(): Promise<void> {
    const { name, uploaded_bytes: bytes } = this.imported;
    const options = this.imported.options as unknown as ImportOptions;
    // Loaded with the first import, with the parsers of all formats.
    const { openFile } = await import('./read-file.ts');
    const file = await openFile(this.chunks(), { ...options, name, bytes });
    await this.update({ format: file.format.name });
    const context = { ...this.clock, sql: this.database.shared(this.caller.userId) };
    for await (const record of file.records) {
      if (++this.counts.records > RECORDS_MAX)
        throw new ImportFailure(`The file has more than ${RECORDS_MAX} records. Split it.`);
      const entry = parseRecord(context, this.caller, record, file.format, options);
      this.entries.push(entry);
      if ('row' in entry) this.bytes += entry.row.size_bytes;
      if (this.entries.length >= BATCH || this.bytes >= BATCH_BYTES) await this.flush();
      if (this.isFull) break;
    }
    if (!this.isFull) await this.flush();
  }

  private async *chunks(): AsyncGenerator<Buffer> {
    const { userId } = this.caller;
    for (let chunk = 0; ; chunk++) {
      const bytes = await findImportChunk(this.database.shared(userId), userId, this.imported.id, chunk);
      if (!bytes) return;
      this.readBytes += bytes.length;
      yield bytes;
    }
  }

  /** Compares the entries that were read with the account and writes them. */
  private async flush(): Promise<void> {
    const { userId } = this.caller;
    const entries = this.entries.splice(0);
    this.bytes = 0;
    const stored = entries.filter((entry) => 'row' in entry);
    const verdicts = await this.comparison.compare(this.database.shared(userId), userId, stored);
    const verdictOf = new Map(stored.map((entry, index) => [entry as Entry, verdicts[index]]));
    const items: ImportItemRow[] = [];
    const findings: Omit<ImportFindingRow, 'finding'>[] = [];
    for (const entry of entries) {
      const { line, label: what } = entry;
      const verdict = verdictOf.get(entry);
      if (entry.kind === 'ignored') this.counts.ignored++;
      else if (entry.kind === 'rejected') {
        this.counts.rejected++;
        findings.push({ line, what, code: 'rejected', why: entry.why });
      } else if (verdict?.do === 'reject') {
        this.counts.rejected++;
        findings.push({ line, what, code: verdict.code, why: verdict.why });
      } else if (verdict?.do === 'skip' || verdict?.do === 'merge') {
        this.counts.unchanged++;
        findings.push({ line, what, code: 'unchanged', why: verdict.why });
        if (verdict.do === 'merge') items.push(this.toItem(entry));
      } else if (this.counts.storage_bytes + entry.row.size_bytes > this.availableBytes) {
        this.isFull = true;
        const why =
          'the storage of the plan does not suffice for this record; it and the rest of the file are not imported';
        findings.push({ line, what, code: 'storage_full', why });
        break;
      } else {
        this.counts[entry.kind === 'memory' ? 'memories' : 'versions']++;
        this.counts.storage_bytes += entry.row.size_bytes;
        items.push(this.toItem(entry));
      }
    }
    await this.write(items, findings);
  }

  private toItem(entry: Extract<Entry, { kind: 'memory' | 'version' }>): ImportItemRow {
    const { line, kind, label, row } = entry;
    // The hash follows from the other columns.
    const data = Object.fromEntries(Object.entries(row).filter(([column]) => column !== 'content_hash'));
    return { item: this.items++, line, kind, label, size_bytes: row.size_bytes, data };
  }

  private write(items: ImportItemRow[], findings: Omit<ImportFindingRow, 'finding'>[]): Promise<void> {
    const { userId } = this.caller;
    return this.database.write(userId, async (sql) => {
      if ((await findImport(sql, userId, this.imported.id, true))?.status !== 'checking') {
        throw new ImportFailure('The import was canceled.');
      }
      await insertImportItems(sql, userId, this.imported.id, items);
      await insertImportFindings(sql, userId, this.imported.id, findings, FINDINGS_MAX);
      const read_bytes = Math.min(this.readBytes, this.imported.uploaded_bytes);
      await updateImport(sql, userId, this.imported.id, { counts: this.counts, read_bytes });
    });
  }

  private update(changes: Parameters<typeof updateImport>[3]): Promise<void> {
    const { userId } = this.caller;
    return this.database.write(userId, (sql) => updateImport(sql, userId, this.imported.id, changes));
  }
}
