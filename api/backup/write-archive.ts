import { withSnapshot } from '../../db/backup/snapshot.ts';
import { nameOf } from '../../db/backup/tables.ts';
import { VERSION } from '../version.ts';
import { type ArchiveEntry, PART_BYTES, packArchive } from './archive.ts';
import { ENCRYPTED, encryptStream } from './encryption.ts';
import { ARCHIVE_FORMAT, type ArchiveHeader, type ArchiveManifest, HEADER_NAME, MANIFEST_NAME } from './manifest.ts';
import { createRowDigest } from './row-digest.ts';
import type { BackupStore } from './stores/store.ts';

/** Beginning and ending of the names of archives. The time between them sorts them by age. */
const PREFIX = 'whitemagic-';
const SUFFIX = '.tar.gz';

/** An archive that was written. */
export interface WrittenArchive {
  name: string;
  bytes: number;
  manifest: ArchiveManifest;
}

interface WriteOptions {
  ownerUrl: string;
  store: BackupStore;
  /** Undefined: the archive is not encrypted. */
  recipient: string | undefined;
  now: () => Date;
}

/**
 * Writes the whole database, as it is at one moment, to an archive in the store, while the service runs.
 * @throws BackupRunning when another process does the same
 */
export function writeArchive({ ownerUrl, store, recipient, now }: WriteOptions): Promise<WrittenArchive> {
  return withSnapshot(ownerUrl, async (snapshot) => {
    // Under the lock of the snapshot, so that no other process writes them now.
    await store.removeUnfinished();
    const createdAt = now();
    const name = archiveName(createdAt, recipient !== undefined);
    const manifest: ArchiveManifest = { tables: {}, row_count: 0 };
    const header: ArchiveHeader = {
      format: ARCHIVE_FORMAT,
      version: VERSION,
      created_at: createdAt.toISOString(),
      migrations: snapshot.migrations,
      usage_days: snapshot.usageDays,
      tables: snapshot.tables,
    };
    async function* entries(): AsyncGenerator<ArchiveEntry> {
      yield jsonEntry(HEADER_NAME, header);
      for (const table of snapshot.tables) {
        const digest = createRowDigest();
        let part = 0;
        for await (const body of inParts(snapshot.connection.copyOut(table))) {
          digest.add(body);
          yield { name: partName(nameOf(table), ++part), body };
        }
        const result = digest.result();
        manifest.tables[nameOf(table)] = result;
        manifest.row_count += result.rows;
      }
      yield jsonEntry(MANIFEST_NAME, manifest);
    }
    const packed = packArchive(entries());
    const bytes = await store.write(name, recipient === undefined ? packed : await encryptStream(packed, recipient));
    return { name, bytes, manifest };
  });
}

/** Returns the time of an archive by its name; undefined for the name of another file. */
export function archiveTime(name: string): Date | undefined {
  const [, day, time] = /^whitemagic-(\d{8})T(\d{6})Z\.tar\.gz(?:\.age)?$/.exec(name) ?? [];
  if (!day || !time) return undefined;
  const iso = `${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  return new Date(iso);
}

function archiveName(at: Date, isEncrypted: boolean): string {
  const time = at.toISOString().replace(/\.\d+|[-:]/g, '');
  return `${PREFIX}${time}${SUFFIX}${isEncrypted ? ENCRYPTED : ''}`;
}

/** Returns the name of a table's entry; {@link tableOfPart} is its inverse. */
function partName(table: string, part: number): string {
  return `tables/${table}/${String(part).padStart(6, '0')}`;
}

/** Returns the table of an entry by its name; undefined for another entry. */
export function tableOfPart(name: string): string | undefined {
  return /^tables\/(.+)\/\d{6,}$/.exec(name)?.[1];
}

function jsonEntry(name: string, value: unknown): ArchiveEntry {
  return { name, body: Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`) };
}

async function* inParts(rows: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of rows) {
    // Copied: it is a view of the connection's buffer.
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length < PART_BYTES) continue;
    yield Buffer.concat(chunks);
    chunks = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(chunks);
}
