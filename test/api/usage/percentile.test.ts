import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentileMs } from '../../../api/usage/percentile.ts';
import { DURATION_BOUNDS_MS } from '../../../db/queries/usage/durations.ts';

function countsOf(durations: readonly number[]): number[] {
  const counts = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, () => 0);
  for (const duration of durations) {
    const range = DURATION_BOUNDS_MS.findIndex((bound) => duration < bound);
    const index = range === -1 ? DURATION_BOUNDS_MS.length : range;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe('percentile', () => {
  it('lies in the range of the exact one, for any durations below the last bound', () => {
    const durations = fc.array(fc.double({ min: 0, max: 29_999, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
        const range = DURATION_BOUNDS_MS.findIndex((bound) => exact < bound);
        const estimate = percentileMs(countsOf(values), share) as number;
        expect(estimate).toBeGreaterThanOrEqual(DURATION_BOUNDS_MS[range - 1] ?? 0);
        expect(estimate).toBeLessThanOrEqual(DURATION_BOUNDS_MS[range] as number);
      }),
    );
  });

  it('is null without calls, and the last bound beyond it', () => {
    expect(percentileMs([], 0.5)).toBeNull();
    expect(percentileMs(countsOf([60_000]), 0.5)).toBe(30_000);
  });
});
