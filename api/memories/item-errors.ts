import { withSavepoint } from '../../db/client/sql.ts';
import type { RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';

/** Processes one item under a savepoint, so that an error rolls back that item only. `onError` turns the error into its result. */
export async function withItemErrors<T, R>(
  context: RequestContext,
  process: () => Promise<T>,
  onError: (problem: Problem) => R,
): Promise<T | R> {
  try {
    return await withSavepoint(context.sql, process);
  } catch (error) {
    if (error instanceof Problem) return onError(error);
    throw error;
  }
}
