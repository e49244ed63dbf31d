import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/client/database.ts';
import {
  type LockRow,
  leaveQueueStatement,
  tryLockStatement,
  unlockStatement,
} from '../../db/queries/usage/long-request-lock.ts';

/** Locks the long requests of a tenant, so that only one of the nodes that share a database executes them at a time. */
export interface LongRequestLock {
  /**
   * Waits until this node holds the lock of a tenant, at most {@link WAIT_MS_MAX} and the time of one statement. Never rejects: without
   * the lock, requests are executed too. Requests of one node share it.
   * @returns the function that releases it
   */
  acquire(tenant: string): Promise<() => void>;
}

/** Intervals at which a node tries again: each is longer than the one before. */
const INTERVAL_MS_MIN = 10;
const INTERVAL_MS_MAX = 80;
const INTERVAL_GROWTH = 1.4;
/** A request that has waited this long is executed without the lock: the node that holds it may hang. */
const WAIT_MS_MAX = 2_000;
/** Most requests of a node that wait. Those beyond are executed without the lock. */
const WAITING_MAX = 32;

/**
 * Creates the lock of one node.
 * @param session executes a statement in the session that holds the locks. After an error the session has ended, and holds none
 * @param onError is called for each of its errors
 */
export function createLongRequestLock(session: Database['lock'], onError: (error: Error) => void): LongRequestLock {
  let waiting = 0;
  const tryLock = async (tenant: string, isFirst: boolean): Promise<LockRow | undefined> => {
    try {
      return (await session<LockRow>(tryLockStatement(tenant, isFirst)))[0];
    } catch (error) {
      onError(error as Error);
      return undefined;
    }
  };
  const release = (statement: Parameters<typeof session>[0]): void => void session(statement).catch(onError);

  /** Tries until the lock is acquired, the time is over, or the session fails. Returns the last result. */
  const wait = async (tenant: string): Promise<LockRow | undefined> => {
    const end = performance.now() + WAIT_MS_MAX;
    let row = await tryLock(tenant, false);
    for (let interval = INTERVAL_MS_MIN; row && !row.is_locked && performance.now() < end; ) {
      await delay(interval);
      interval = Math.min(INTERVAL_MS_MAX, interval * INTERVAL_GROWTH);
      row = await tryLock(tenant, row.is_first);
    }
    return row;
  };

  return {
    async acquire(tenant) {
      if (waiting >= WAITING_MAX) return () => undefined;
      waiting++;
      const row = await wait(tenant);
      waiting--;
      if (row?.is_locked) return () => release(unlockStatement(tenant));
      if (row?.is_first) release(leaveQueueStatement(tenant));
      return () => undefined;
    },
  };
}
