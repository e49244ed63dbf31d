import { isConnectionLost } from '../../db/client/retry.ts';
import { violatedConstraint } from '../../db/client/sql.ts';
import { EXACT_DUPLICATE_CONSTRAINT } from '../../db/queries/memories/row.ts';
import { Problem } from '../errors.ts';

/** Converts an error to a problem: a known constraint to its code, a lost database connection to `unavailable`, others to `internal`. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (violatedConstraint(error) === EXACT_DUPLICATE_CONSTRAINT) return new Problem('duplicate_memory', {}, error);
  // 57014: the statement timed out.
  const timedOut = error instanceof Error && 'code' in error && error.code === '57014';
  if (isConnectionLost(error) || timedOut)
    return new Problem('unavailable', { headers: { 'Retry-After': '2' } }, error);
  return new Problem('internal', {}, error);
}
