import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock, holderOf } from '../../db/embedded/process-lock.mjs';

/*
 * The commands that run from this checkout: each holds a lock `<command>.<pid>` in a folder of its own, until its
 * process ends in whatever way. Packages are not replaced while any is held. Call both functions under the main lock.
 */

/** @param {string} state */
export async function registerRunning(state, command) {
  const folder = folderOf(state);
  // A file name on Windows cannot contain a colon.
  const name = `${command.replace(':', '-')}.${process.pid}`;
  const lock = await acquireLock(folder, name);
  process.once('exit', () => removeFiles(folder, name));
  return lock;
}

/**
 * @param {string} state
 * @returns {Promise<{ command: string, pid: number }[]>}
 */
export async function findRunning(state) {
  const folder = folderOf(state);
  const names = new Set(readdirSync(folder).map((file) => file.split('.').slice(0, 2).join('.')));
  const running = [];
  for (const name of names) {
    const pid = await holderOf(folder, name);
    if (pid === null) removeFiles(folder, name);
    else running.push({ command: name.split('.')[0] ?? '', pid });
  }
  return running;
}

function folderOf(state) {
  const folder = join(state, 'running');
  mkdirSync(folder, { recursive: true });
  return folder;
}

function removeFiles(folder, name) {
  for (const file of readdirSync(folder)) if (file.startsWith(`${name}.`)) rmSync(join(folder, file), { force: true });
}
