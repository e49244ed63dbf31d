import { isConnectionLost } from '../../db/client/retry.ts';
import { violatedConstraint } from '../../db/client/sql.ts';
import { EXACT_DUPLICATE_CONSTRAINT } from '../../db/queries/memories/memories.ts';
import { Problem } from '../errors.ts';

/** Any error as a refusal: ours as it is, a constraint by its name, a lost database as `unavailable`, the rest as `internal`. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (violatedConstraint(error) === EXACT_DUPLICATE_CONSTRAINT) return new Problem('duplicate_memory', {}, error);
  // 57014: a statement that ran into its timeout.
  const timedOut = error instanceof Error && 'code' in error && error.code === '57014';
  if (isConnectionLost(error) || timedOut)
    return new Problem('unavailable', { headers: { 'Retry-After': '2' } }, error);
  return new Problem('internal', {}, error);
}
