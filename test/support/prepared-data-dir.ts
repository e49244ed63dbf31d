import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inject } from 'vitest';

/**
 * Fills a folder with a data directory whose database is initialized and migrated, which is faster than a first start.
 * It has no users and no credentials.
 */
export async function copyPreparedDataDir(dataDir: string): Promise<void> {
  await copyDataDir(inject('preparedDataDir'), dataDir);
}

/** Copies the content of a stopped data directory, with its owners. Creates the target. */
export async function copyDataDir(source: string, target: string): Promise<void> {
  await promisify(execFile)('mkdir', ['-p', target]);
  await promisify(execFile)('cp', ['-a', `${source}/.`, target]);
}
