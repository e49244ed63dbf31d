import { DURATION_BOUNDS_MS } from '../../db/queries/usage/durations.ts';

/**
 * Estimates a percentile of durations from the number of calls in each range, by interpolation within its range. Returns milliseconds;
 * null without calls. Durations beyond the last bound count as that bound.
 * @param share the percentile as a fraction, such as 0.95
 */
export function percentileMs(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [range, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = DURATION_BOUNDS_MS[range - 1] ?? 0;
      const to = DURATION_BOUNDS_MS[range] ?? from;
      return Math.round((from + ((rank - below) / count) * (to - from)) * 10) / 10;
    }
    below += count;
  }
  return DURATION_BOUNDS_MS.at(-1) as number;
}
