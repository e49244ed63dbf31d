import type pg from 'pg';
import { type BatchResult, sendBatch } from './pg-internals.ts';
import type { Statement } from './sql.ts';
import { type SpanData, traced } from './trace.ts';

/**
 * Executes statements on a connection in one round trip. PostgreSQL runs them as one transaction, unless one is open, and skips those
 * behind a failed one. Returns the result of the last statement.
 */
export async function executeBatch<Row>(
  client: pg.ClientBase,
  ...statements: readonly Statement[]
): Promise<BatchResult<Row>> {
  try {
    return await traced(
      () => statementSpan(statements),
      () => sendBatch<Row>(client, statements),
    );
  } catch (error) {
    // The driver's stack ends at the socket; replace it by that of the caller.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** Describes statements by their names, without the number of their shape, and those without one by their first word. */
export function statementSpan(statements: readonly Statement[]): SpanData {
  const names = statements.map(
    ({ name, text }) => name?.replace(/_\d+/, '') ?? text.trimStart().split(/\s/, 1)[0]?.toLowerCase() ?? '',
  );
  return {
    name: names.at(-1) ?? '',
    kind: 'sql',
    attributes: { 'db.system.name': 'postgresql', 'db.operation.name': names.join(' ') },
  };
}
