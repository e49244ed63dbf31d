import { execFile } from 'node:child_process';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A file system of a fixed size that can be filled. */
export interface SmallDisk {
  /** Takes all free space. Returns a function that frees it. */
  fill(): Promise<() => Promise<void>>;
  unmount(): Promise<void>;
}

const SIZE = '700m';
const BLOCK = Buffer.alloc(1_048_576);

/** Mounts a file system in memory on an empty folder. Returns undefined where that is not allowed: it takes root on Linux. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk | undefined> {
  const run = promisify(execFile);
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0711`, 'tmpfs', folder]).then(
    () => true,
    () => false,
  );
  if (!isMounted) return undefined;
  return {
    async fill() {
      const file = join(folder, 'filler');
      await write(file, async () => (await statfs(folder)).bavail > 0);
      return () => rm(file);
    },
    unmount: async () => void (await run('umount', ['--lazy', folder])),
  };
}

/** Appends blocks to a file until the disk is full. */
async function write(file: string, hasSpace: () => Promise<boolean>): Promise<void> {
  const handle = await open(file, 'w');
  try {
    while (await hasSpace()) await handle.write(BLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await handle.close();
  }
}
