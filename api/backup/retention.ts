import { DAY_MS } from '../time.ts';
import type { BackupStore } from './stores/store.ts';
import { archiveTime } from './write-archive.ts';

/** Deletes the archives that are older than `keepDays` days, except the newest one. Returns their names. */
export async function deleteOldArchives(store: BackupStore, keepDays: number, now: Date): Promise<string[]> {
  const archives = await listArchives(store);
  const end = now.getTime() - keepDays * DAY_MS;
  const old = archives.slice(0, -1).filter(({ at }) => at.getTime() < end);
  for (const { name } of old) await store.remove(name);
  return old.map(({ name }) => name);
}

/** Lists the archives of a store, oldest first. */
export async function listArchives(store: BackupStore): Promise<{ name: string; bytes: number; at: Date }[]> {
  const files = await store.list();
  return files
    .flatMap(({ name, bytes }) => {
      const at = archiveTime(name);
      return at ? [{ name, bytes, at }] : [];
    })
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}
