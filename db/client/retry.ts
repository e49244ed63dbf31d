import { setTimeout as delay } from 'node:timers/promises';

const ATTEMPTS_MAX = 3;
/** Pause before the second attempt, with jitter up to twice as long. */
const PAUSE_MS = 50;

/**
 * Retries work that PostgreSQL rejected for a transient reason: a deadlock, a serialization failure, or a row that was on its way
 * into the default partition when its day got a partition of its own. It pauses first: an immediate retry would take the row from
 * under the transaction that waited for it, and deadlock again.
 */
export async function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || attempt === ATTEMPTS_MAX) throw error;
      await delay(attempt * PAUSE_MS * (1 + Math.random()));
    }
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  // A row violates its partition's bounds: the only check violation without the name of a constraint.
  const isPartitionMismatch = error.code === '23514' && !('constraint' in error && error.constraint);
  return error.code === '40P01' || error.code === '40001' || isPartitionMismatch;
}

/** Returns true for errors that mean PostgreSQL is unavailable (no connection, reset, shutting down, too many connections). */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if (/^(08|57P0|53300|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/.test(code)) return true;
  return /connection (terminated|error|timeout)|Client (was closed|has encountered)|timeout exceeded when trying to connect/i.test(
    error.message,
  );
}
