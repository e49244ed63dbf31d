import type { Caller } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';

/**
 * Returns how many memories one bulk call may change: `max`, or fewer where their quota units would take more than half of the calls a
 * minute that the caller may make, since such a call could never be repeated to its end.
 */
export function bulkLimit({ limits, keyRequestsPerMinute }: Caller, max: number): number {
  const perMinute = Math.min(limits.requests_per_minute, keyRequestsPerMinute ?? Number.POSITIVE_INFINITY);
  const units = Math.min(Math.ceil(perMinute / 2), limits.requests_per_day);
  return Math.max(1, Math.min(max, units * LIMITS.changesPerUnit));
}
