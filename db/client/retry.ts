import { setTimeout as delay } from 'node:timers/promises';

const TRIES = 3;
/** How long it gives way to what it met, twice as long at most. */
const PAUSE_MS = 50;

/**
 * Does something again that PostgreSQL refused for reasons of its own: a deadlock, a serialisation failure, or a row that was on
 * its way into the default partition when its day got a partition of its own. After a pause: who starts over at once takes the
 * row from under whoever was waiting for it, and both are in a deadlock again.
 */
export async function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || attempt === TRIES) throw error;
      await delay(attempt * PAUSE_MS * (1 + Math.random()));
    }
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const moved = error.code === '23514' && 'table' in error && String(error.table).startsWith('usage_events');
  return error.code === '40P01' || error.code === '40001' || moved;
}

/** True for errors that mean PostgreSQL is away (refused, reset, shutting down, too many connections), not that a statement was wrong. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if (/^(08|57P0|53300|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/.test(code)) return true;
  return /connection (terminated|error|timeout)|Client (was closed|has encountered)|timeout exceeded when trying to connect/i.test(
    error.message,
  );
}
