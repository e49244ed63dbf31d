import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { CopyConnection } from '../../db/backup/connection.ts';
import { loadIntoEmptyDatabase } from '../../db/backup/load.ts';
import { nameOf } from '../../db/backup/tables.ts';
import { type DeletionReceiptRow, listDeletionReceipts } from '../../db/queries/accounts/lifecycle.ts';
import { replayReceipts } from '../accounts/purge.ts';
import { type ArchiveEntry, unpackArchive } from './archive.ts';
import { decryptStream, ENCRYPTED } from './encryption.ts';
import { type ArchiveHeader, archiveHeader, archiveManifest, HEADER_NAME, MANIFEST_NAME } from './manifest.ts';
import { createRowDigest, type TableDigest } from './row-digest.ts';
import type { BackupStore } from './stores/store.ts';
import { tableOfPart } from './write-archive.ts';

interface RestoreOptions {
  /** URL of the role that owns the tables of the empty database. */
  url: string;
  store: BackupStore;
  /** Name of the archive. */
  name: string;
  /** Identity for encrypted archives. */
  identity: string | undefined;
  /** Receipts of accounts that were deleted after the backup. */
  receipts: readonly DeletionReceiptRow[];
  now: () => Date;
}

/** A restored archive. */
export interface RestoredArchive {
  header: ArchiveHeader;
  tables: Record<string, TableDigest>;
  rowCount: number;
  /** Accounts of the backup that were deleted again. */
  deletedAgain: string[];
}

/**
 * Restores an archive into an empty database, in one transaction: all of it or nothing. Compares the number of rows and the checksum of
 * every table twice: as read from the archive, and as read back from the database. Then repeats the deletions of the receipts.
 * @throws when the archive is damaged, the database is not empty, or a table differs
 */
export async function restoreArchive({
  url,
  store,
  name,
  identity,
  receipts,
  now,
}: RestoreOptions): Promise<RestoredArchive> {
  const bytes = await store.read(name);
  const entries = unpackArchive(
    name.endsWith(ENCRYPTED) ? await decryptStream(bytes, requireIdentity(identity)) : bytes,
  );
  const header = archiveHeader.parse(JSON.parse((await next(entries, HEADER_NAME)).body.toString('utf8')));
  const schema = { tables: header.tables, migrations: header.migrations, usageDays: header.usage_days };
  try {
    return await loadIntoEmptyDatabase(url, schema, async (connection) => {
      const { tables, rowCount } = await copyRows(connection, header, entries);
      for (const table of header.tables) {
        const digest = createRowDigest();
        for await (const chunk of connection.copyOut(table)) digest.add(chunk);
        requireSame(nameOf(table), 'the restored database', digest.result(), tables[nameOf(table)]);
      }
      const own = await listDeletionReceipts(connection);
      const known = new Set(receipts.map(({ user_id }) => user_id));
      const all = [...receipts, ...own.filter(({ user_id }) => !known.has(user_id))];
      const replayed = await replayReceipts({ sql: connection, now }, all);
      const deletedAgain = replayed.filter(({ deleted_again }) => deleted_again).map(({ user_id }) => user_id);
      return { header, tables, rowCount, deletedAgain };
    });
  } finally {
    await entries.return(undefined);
  }
}

/** Copies the rows of all tables. Returns the digests of the manifest, after comparing them with what was read. */
async function copyRows(
  connection: CopyConnection,
  header: ArchiveHeader,
  entries: AsyncGenerator<ArchiveEntry>,
): Promise<{ tables: Record<string, TableDigest>; rowCount: number }> {
  const read: Record<string, TableDigest> = {};
  let entry = await next(entries);
  for (const table of header.tables) {
    const name = nameOf(table);
    const digest = createRowDigest();
    const rows = connection.copyIn(table);
    // A failed copy is reported by the write or the end below.
    const done = finished(rows);
    done.catch(() => undefined);
    for (; tableOfPart(entry.name) === name; entry = await next(entries)) {
      digest.add(entry.body);
      await write(rows, entry.body);
    }
    rows.end();
    await done;
    read[name] = digest.result();
  }
  if (entry.name !== MANIFEST_NAME) throw new Error(`The archive has an unexpected entry: ${entry.name}.`);
  const manifest = archiveManifest.parse(JSON.parse(entry.body.toString('utf8')));
  for (const table of header.tables.map(nameOf)) requireSame(table, 'the archive', read[table], manifest.tables[table]);
  return { tables: manifest.tables, rowCount: manifest.row_count };
}

function requireSame(table: string, place: string, found: TableDigest | undefined, expected: TableDigest | undefined) {
  if (found && expected && found.rows === expected.rows && found.checksum === expected.checksum) return;
  throw new Error(
    `${table} differs in ${place}: ${found?.rows ?? 'no'} rows instead of ${expected?.rows ?? 'none'}, or another checksum. Nothing was restored.`,
  );
}

async function next(entries: AsyncGenerator<ArchiveEntry>, expected?: string): Promise<ArchiveEntry> {
  const { value, done } = await entries.next();
  if (done || (expected && value.name !== expected)) {
    throw new Error('The archive is incomplete, or not an archive of WhiteMagic.');
  }
  return value;
}

function write(stream: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

function requireIdentity(identity: string | undefined): string {
  if (identity) return identity;
  throw new Error('The archive is encrypted: name the file of the identity with --identity FILE.');
}
