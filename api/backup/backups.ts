import type { Database } from '../../db/client/database.ts';
import { insertBackup, newestBackups } from '../../db/queries/jobs/backups.ts';
import type { BackupConfig } from '../config.ts';
import type { RequestContext } from '../context.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';
import { storeReceipts } from './receipts-file.ts';
import { deleteOldArchives } from './retention.ts';
import { openBucketStore } from './stores/bucket-store.ts';
import { openFolderStore } from './stores/folder-store.ts';
import type { BackupStore } from './stores/store.ts';
import { type WrittenArchive, writeArchive } from './write-archive.ts';

/** Age of the newest backup at which the next one is due: a day, less the time that one may take. */
const DUE_MS = DAY_MS - HOUR_MS;

/** The backups of a service. */
export interface Backups {
  store: BackupStore;
  /** Makes a backup, deletes old ones, and stores the deletion receipts beside them. */
  backUp(): Promise<WrittenArchive & { deleted: string[] }>;
  /** Stores the deletion receipts, and makes a backup when the newest one is about a day old. Returns the backup it made. */
  backUpIfDue(): Promise<(WrittenArchive & { deleted: string[] }) | undefined>;
}

interface BackupDependencies extends Pick<RequestContext, 'now' | 'newId'> {
  database: Pick<Database, 'owner'>;
  ownerUrl: string;
}

/** Opens the backups of a service; undefined where none are configured. */
export function openBackups(
  config: BackupConfig,
  { database, ownerUrl, now, newId }: BackupDependencies,
): Backups | undefined {
  const store = openStore(config);
  if (!store) return undefined;
  const { recipient, keepDays } = config;
  const storeRecentReceipts = () => {
    // A day more, because a backup begins before it is complete.
    const since = new Date(now().getTime() - (keepDays + 1) * DAY_MS);
    return storeReceipts(database.owner, store, { since, recipient });
  };
  const backups: Backups = {
    store,
    async backUp() {
      const started_at = now();
      const written = await writeArchive({ ownerUrl, store, recipient, now });
      await insertBackup(database.owner, {
        id: newId(),
        kind: 'backup',
        archive: written.name,
        started_at,
        finished_at: now(),
        bytes: written.bytes,
        row_count: written.manifest.row_count,
      });
      const deleted = await deleteOldArchives(store, keepDays, now());
      await storeRecentReceipts();
      return { ...written, deleted };
    },
    async backUpIfDue() {
      const { backup } = await newestBackups(database.owner);
      if (backup && now().getTime() - backup.getTime() < DUE_MS) {
        await storeRecentReceipts();
        return undefined;
      }
      return backups.backUp();
    },
  };
  return backups;
}

/** Opens the store that the settings name; undefined where they name none. */
export function openStore({ to, bucket }: Pick<BackupConfig, 'to' | 'bucket'>): BackupStore | undefined {
  if (!to) return undefined;
  const [, name, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(to) ?? [];
  if (!name) return openFolderStore(to);
  return openBucketStore({ ...bucket, bucket: name, prefix: prefix.replace(/\/+$/, '') });
}
