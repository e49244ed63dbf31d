import type pg from 'pg';
import type { Sql } from './sql.ts';

/** Reason of a signal that cancels reads and writes. For any other reason, such as a closed connection, writes go on. */
export const CANCELLED = 'cancelled';

/** The caller cancelled the statement, or is gone. Nothing of it was committed. */
export class CancelledError extends Error {
  constructor(cause?: unknown) {
    super('the caller cancelled the statement', { cause });
    this.name = 'CancelledError';
  }
}

interface Cancellation {
  signal: AbortSignal | undefined;
  /** Whether the signal counts, by its reason. */
  counts: (reason: unknown) => boolean;
  /** Asks the server to cancel what a connection executes. Resolves when the server has got that. */
  cancel: (client: pg.ClientBase) => Promise<void>;
}

/**
 * Runs statements on a connection of their own, and cancels them on the server when the signal aborts. The connection
 * must not be used again after a {@link CancelledError}: the request to cancel may arrive late.
 * @throws CancelledError
 */
export async function cancellable<T>(
  client: pg.ClientBase,
  { signal, counts, cancel }: Cancellation,
  run: (check: () => void) => Promise<T>,
): Promise<T> {
  if (!signal) return run(() => undefined);
  const check = () => {
    if (signal.aborted && counts(signal.reason)) throw new CancelledError();
  };
  let cancelling: Promise<void> | undefined;
  const onAbort = () => {
    if (counts(signal.reason)) cancelling = cancel(client).catch(() => undefined);
  };
  check();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await run(check);
  } catch (error) {
    throw cancelling ? new CancelledError(error) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await cancelling;
  }
}

/** Returns what executes statements, unless they are cancelled before. */
export function checked(sql: Sql, check: () => void): Sql {
  return {
    ...sql,
    query: async (statement) => {
      check();
      return sql.query(statement);
    },
  };
}
