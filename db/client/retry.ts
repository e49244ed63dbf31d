import { setTimeout as delay } from 'node:timers/promises';
import { NoPermitError } from './fair-semaphore.ts';
import { ServerUnresponsiveError } from './heartbeat.ts';

const ATTEMPTS_MAX = 3;
/** Pause before the second attempt, with jitter up to twice as long. */
const PAUSE_MS = 50;

/**
 * Repeats work until it succeeds.
 * @param pauseMs returns the pause before the next attempt, or undefined to throw the error of this one (the first is 1)
 * @param signal ends a pause, and the work with its reason
 */
export async function retry<T>(
  work: () => Promise<T>,
  pauseMs: (error: unknown, attempt: number) => number | undefined,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = pauseMs(error, attempt);
      if (pause === undefined) throw error;
      await delay(pause, undefined, { signal });
    }
  }
}

/**
 * Retries work that PostgreSQL rejected for a transient reason: a deadlock, a serialization failure, or a row that was on its way
 * into the default partition when its day got a partition of its own. It pauses first: an immediate retry would take the row from
 * under the transaction that waited for it, and deadlock again.
 */
export function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  return retry(work, (error, attempt) =>
    isTransient(error) && attempt < ATTEMPTS_MAX ? attempt * PAUSE_MS * (1 + Math.random()) : undefined,
  );
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  // A row violates its partition's bounds: the only check violation without the name of a constraint.
  const isPartitionMismatch = error.code === '23514' && !('constraint' in error && error.constraint);
  return error.code === '40P01' || error.code === '40001' || isPartitionMismatch;
}

/**
 * Returns true for errors that mean that PostgreSQL works, but has no capacity left: no connection became free, a statement or a lock took
 * too long, or the server has too many connections or too little memory.
 */
export function isOverloaded(error: unknown): boolean {
  if (error instanceof NoPermitError) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(53200|53300|53400|55P03|57014)$/.test(code) || /timeout exceeded when trying to connect/.test(error.message)
  );
}

/** The connection was lost while a transaction was being committed: it may have been committed, or may be yet. */
export class UnknownOutcomeError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost during a commit', { cause });
    this.name = 'UnknownOutcomeError';
  }
}

/** Returns true for errors that mean that PostgreSQL's disk is full. It may still read. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '53100';
}

/** Returns true for errors that mean PostgreSQL is unavailable (no connection, reset, no response, shutting down). */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof ServerUnresponsiveError || error instanceof UnknownOutcomeError) return true;
  if (!(error instanceof Error)) return false;
  // A Unix socket fails with other codes than TCP: ENOENT without a server, EAGAIN when one accepts nothing.
  if ('syscall' in error && error.syscall === 'connect') return true;
  const code = 'code' in error ? String(error.code) : '';
  if (/^(08|57P0|25P0[34]|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)/.test(code)) return true;
  return /connection (terminated|error|timeout)|Client (was closed|has encountered)|Query read timeout|timeout expired/i.test(
    error.message,
  );
}
