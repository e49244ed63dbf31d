import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock, LockHeld } from '../../db/embedded/process-lock.mjs';

const POLL_MS = 50;
const NOTICEABLE_MS = 300;

/**
 * Acquires the lock of a folder, waiting for its holder. Calls `onWait` once, when the wait becomes noticeable.
 *
 * @param {string} folder
 * @param {(pid: number | undefined) => void} [onWait]
 */
export async function waitForLock(folder, onWait) {
  mkdirSync(folder, { recursive: true });
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      return await acquireLock(folder);
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error;
      if (waitedMs === NOTICEABLE_MS) onWait?.(error.pid);
      await sleep(POLL_MS);
    }
  }
}
