import { CancelledError } from '../../db/client/cancel.ts';
import { isConnectionLost, isDiskFull, isOverloaded, UnknownOutcomeError } from '../../db/client/retry.ts';
import { violatedConstraint } from '../../db/client/sql.ts';
import { EXACT_DUPLICATE_CONSTRAINT } from '../../db/queries/memories/row.ts';
import { Problem } from '../errors.ts';

const SOON = { 'Retry-After': '2' };
const LATER = { 'Retry-After': '60' };
const LOST = 'The database does not respond. Nothing was changed. Try again in a few seconds.';
const UNKNOWN_OUTCOME =
  'The connection to the database was lost while the change was being saved, so it may have been saved. Read it before you repeat the request, or repeat it with the same Idempotency-Key.';

/**
 * Converts an error to a problem: a known constraint to its code, a full disk to `disk_full`, a cancelled statement to `cancelled`, a database without capacity to `overloaded`,
 * a lost one to `unavailable`, others to `internal`.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (violatedConstraint(error) === EXACT_DUPLICATE_CONSTRAINT) return new Problem('duplicate_memory', {}, error);
  if (error instanceof CancelledError) return new Problem('cancelled', {}, error);
  if (isDiskFull(error)) return new Problem('disk_full', { headers: LATER }, error);
  if (isOverloaded(error)) return new Problem('overloaded', { headers: SOON }, error);
  if (isConnectionLost(error)) {
    const detail = error instanceof UnknownOutcomeError ? UNKNOWN_OUTCOME : LOST;
    return new Problem('unavailable', { detail, headers: SOON }, error);
  }
  return new Problem('internal', {}, error);
}
