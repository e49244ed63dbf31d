import type { Caller } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import { SESSION_CALLS_PER_MINUTE } from '../limits/plans.ts';

/**
 * Returns how many memories one bulk call may change: `max`, or fewer where their quota units would take more than half of the calls a
 * minute that the caller may make, since such a call could never be repeated to its end.
 */
export function bulkLimit(caller: Caller, max: number): number {
  return Math.max(1, Math.min(max, unitsPerCall(caller) * LIMITS.changesPerUnit));
}

function unitsPerCall({ limits, keyRequestsPerMinute, sessionId }: Caller): number {
  if (sessionId !== null) return Math.ceil(SESSION_CALLS_PER_MINUTE.session / 2);
  const perMinute = Math.min(limits.requests_per_minute, keyRequestsPerMinute ?? Number.POSITIVE_INFINITY);
  return Math.min(Math.ceil(perMinute / 2), limits.requests_per_day);
}
