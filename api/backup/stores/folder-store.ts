import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BackupStore } from './store.ts';

const UNFINISHED = '.partial';
/** Only the account that the service runs as may read backups. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Returns the store in a folder, which is created when the first file is written. */
export function openFolderStore(path: string): BackupStore {
  const folder = resolve(path);
  const files = async () => readdir(folder).catch((error) => (error.code === 'ENOENT' ? [] : Promise.reject(error)));
  return {
    location: folder,
    async write(name, bytes) {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
      const draft = join(folder, `${name}${UNFINISHED}`);
      try {
        await pipeline(bytes, createWriteStream(draft, { mode: FILE_MODE }));
        await flush(draft);
        await rename(draft, join(folder, name));
        await flush(folder);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
      return (await stat(join(folder, name))).size;
    },
    async read(name) {
      const file = join(folder, name);
      await stat(file);
      return createReadStream(file);
    },
    async list() {
      const names = (await files()).filter((name) => !name.endsWith(UNFINISHED)).sort();
      return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    async removeUnfinished() {
      const drafts = (await files()).filter((name) => name.endsWith(UNFINISHED));
      await Promise.all(drafts.map((name) => rm(join(folder, name), { force: true })));
    },
  };
}

/** Waits until a file or folder is on the disk, so that a backup survives a power failure. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
