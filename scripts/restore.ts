import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../api/backup/backups.ts';
import { readStoredReceipts, receiptList } from '../api/backup/receipts-file.ts';
import { type RestoredArchive, restoreArchive } from '../api/backup/restore-archive.ts';
import { listArchives } from '../api/backup/retention.ts';
import { openFolderStore } from '../api/backup/stores/folder-store.ts';
import type { BackupStore } from '../api/backup/stores/store.ts';
import { readConfig } from '../api/config.ts';
import { newId } from '../api/ids.ts';
import { withScratchDatabase } from '../db/backup/scratch-database.ts';
import { connect } from '../db/client/database.ts';
import { insertBackup } from '../db/queries/jobs/backups.ts';
import { migrateUp } from '../db/schema/migrate.ts';
import { formatBytes, runProgram } from './cli-output.ts';
import { withOwnerUrl } from './open-database.ts';

const HELP = `Usage: whitemagic-server restore [ARCHIVE] [options]
       whitemagic-server restore --test [ARCHIVE] [options]

Restores a backup into an empty database, in one transaction. Compares the number of rows and the checksum of every table with the
backup, then deletes the accounts again that were deleted after it was made. Nothing is changed where the database has accounts.

  ARCHIVE             name of an archive in BACKUP_TO, or path of a file; the newest one by default
  --into URL          database to restore into, as the role that owns its tables; default DATABASE_OWNER_URL or DATABASE_URL
  --identity FILE     file with the key that decrypts the archive (AGE-SECRET-KEY-1…)
  --receipts FILE     more deletion receipts, as printed by \`admin receipts list --json\`; those beside the backups are always read
  --test              restores into a database that is made for it on the server of DATABASE_URL (or of --into) and dropped
                      afterwards, and records the success for the metric whitemagic_restore_test_age_seconds. Run it every month.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      into: { type: 'string' },
      identity: { type: 'string' },
      receipts: { type: 'string' },
      test: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const config = readConfig();
  const { store, name, bytes } = await findArchive(positionals[0], openStore(config.backup));
  const identity = values.identity && readIdentity(await readFile(values.identity, 'utf8'));
  const given = values.receipts ? receiptList.parse(JSON.parse(await readFile(values.receipts, 'utf8'))) : [];
  const receipts = [...given, ...(await readStoredReceipts(store, identity))];
  const now = () => new Date();
  const restore = (url: string) => restoreArchive({ url, store, name, identity, receipts, now });
  console.log(`Restoring ${name} (${formatBytes(bytes)}) …`);
  const startedAt = now();
  if (!values.test) {
    const target = values.into ? { ...config, databaseOwnerUrl: values.into } : config;
    return report(await withOwnerUrl(target, restore), startedAt);
  }
  await withOwnerUrl(config, async (ownerUrl) => {
    const restored = await withScratchDatabase(values.into ?? ownerUrl, restore);
    await migrateUp(ownerUrl);
    const database = connect({ url: ownerUrl, onError: () => undefined });
    try {
      const row = { kind: 'restore_test' as const, archive: name, bytes, row_count: restored.rowCount };
      await insertBackup(database.owner, { ...row, id: newId(), started_at: startedAt, finished_at: now() });
    } finally {
      await database.close();
    }
    report(restored, startedAt);
    console.log('The backup can be restored. The database of this test was dropped.');
  });
}

/** Finds an archive by path or by name, or the newest one. */
async function findArchive(
  named: string | undefined,
  configured: BackupStore | undefined,
): Promise<{ store: BackupStore; name: string; bytes: number }> {
  const isPath = named?.includes('/');
  const store = isPath ? openFolderStore(dirname(named as string)) : configured;
  if (!store) throw new Error(`Set BACKUP_TO, or give the path of an archive.\n\n${HELP}`);
  const archives = await listArchives(store);
  const wanted = named && basename(named);
  const found = wanted ? archives.find(({ name }) => name === wanted) : archives.at(-1);
  if (found) return { store, ...found };
  const newest = archives.slice(-10).map(({ name }) => `\n  ${name}`);
  throw new Error(
    `${wanted ? `There is no archive ${wanted}` : 'There is no archive'} in ${store.location}.${newest.length > 0 ? ` The newest ones:${newest.join('')}` : ''}`,
  );
}

/** Returns the identity in a file, which may have comments as the tool \`age-keygen\` writes them. */
function readIdentity(text: string): string {
  const identity = text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith('AGE-SECRET-KEY-1'));
  if (!identity) throw new Error('The file of --identity has no line that begins with AGE-SECRET-KEY-1.');
  return identity;
}

function report({ header, tables, rowCount, deletedAgain }: RestoredArchive, startedAt: Date): void {
  const seconds = ((Date.now() - startedAt.getTime()) / 1000).toFixed(1);
  console.log(
    `Restored ${Object.keys(tables).length} tables with ${rowCount} rows, as of ${header.created_at}, in ${seconds} s.`,
  );
  console.log('Every count and checksum is that of the backup.');
  if (deletedAgain.length > 0) console.log(`Deleted again, by their receipts: ${deletedAgain.join(', ')}`);
}

await runProgram(main);
