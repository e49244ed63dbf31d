import type pg from 'pg';
import { type BatchResult, sendBatch } from './pg-internals.ts';
import type { Statement } from './sql.ts';

/**
 * Executes statements on a connection in one round trip. PostgreSQL runs them as one transaction, unless one is open, and skips those
 * behind a failed one. Returns the result of the last statement.
 */
export async function executeBatch<Row>(
  client: pg.ClientBase,
  ...statements: readonly Statement[]
): Promise<BatchResult<Row>> {
  try {
    return await sendBatch<Row>(client, statements);
  } catch (error) {
    // The driver's stack ends at the socket; replace it by that of the caller.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}
