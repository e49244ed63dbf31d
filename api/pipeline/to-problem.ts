import { isConnectionLost, isOverloaded } from '../../db/client/retry.ts';
import { violatedConstraint } from '../../db/client/sql.ts';
import { EXACT_DUPLICATE_CONSTRAINT } from '../../db/queries/memories/row.ts';
import { Problem } from '../errors.ts';

const SOON = { 'Retry-After': '2' };

/**
 * Converts an error to a problem: a known constraint to its code, a database without capacity to `overloaded`, a lost one to
 * `unavailable`, others to `internal`.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (violatedConstraint(error) === EXACT_DUPLICATE_CONSTRAINT) return new Problem('duplicate_memory', {}, error);
  if (isOverloaded(error)) return new Problem('overloaded', { headers: SOON }, error);
  if (isConnectionLost(error))
    return new Problem('unavailable', { detail: 'The database cannot be reached.', headers: SOON }, error);
  return new Problem('internal', {}, error);
}
