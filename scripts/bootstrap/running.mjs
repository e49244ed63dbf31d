import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enterChild, identify, keeperOf } from './identity.mjs';

/**
 * The commands that run from this checkout now, a file each: `.bootstrap/running/<command>.<pid>.<start>`.
 * Replacing node_modules under any of them would break it in ways nobody could explain.
 *
 * @typedef {{ include(pid: number | undefined): void }} Running
 */

/**
 * Call under the lock.
 *
 * @param {string} folder
 * @param {string} command
 * @returns {Running}
 */
export function registerRunning(folder, command) {
  const file = join(folder, 'running', `${command}.${identify(process.pid)}`);
  mkdirSync(join(folder, 'running'), { recursive: true });
  writeFileSync(file, '');
  // Only tidiness: a command that is killed leaves its file, which then means nothing.
  process.once('exit', () => rmSync(file, { force: true }));
  return { include: (pid) => enterChild(file, pid) };
}

/**
 * Call under the lock.
 *
 * @param {string} folder
 * @returns {{ command: string, pid: number }[]}
 */
export function findRunning(folder) {
  const files = join(folder, 'running');
  mkdirSync(files, { recursive: true });
  return readdirSync(files).flatMap((name) => {
    const [command, ...owner] = name.split('.');
    const pid = keeperOf(join(files, name), owner.join('.'));
    if (pid !== undefined) return [{ command, pid }];
    rmSync(join(files, name), { force: true });
    return [];
  });
}
