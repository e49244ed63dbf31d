/** Upper bounds, in milliseconds, of the ranges that `usage_daily.duration_counts` counts calls by; the last range has none. */
export const DURATION_BOUNDS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000,
  30_000,
] as const;

/** Subscripts of the ranges, from 1. */
const RANGES = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, (_, range) => range + 1);

/** Returns SQL for the number of rows of a group in each range of durations, an `integer[]`. `column` is in milliseconds. */
export function countDurationsSql(column: string): string {
  const counts = [0, ...DURATION_BOUNDS_MS].map((from, range) => {
    const to = DURATION_BOUNDS_MS[range];
    const below = to === undefined ? '' : ` and ${column} < ${to}`;
    return `(count(*) filter (where ${column} >= ${from}${below}))::integer`;
  });
  return `array[${counts.join(', ')}]`;
}

/** Returns SQL for the subscript, from 0, of the range that a duration is in. `column` is in milliseconds. */
export function durationRangeSql(column: string): string {
  return `width_bucket(${column}::float8, '{${DURATION_BOUNDS_MS.join(', ')}}'::float8[])`;
}

/** Returns SQL for the sums of `calls` over the rows of a group by their range, from 0: a `float8[]`. */
export function countRangesSql(range: string, calls: string): string {
  const sums = RANGES.map(
    (subscript) => `coalesce(sum(${calls}) filter (where ${range} = ${subscript - 1}), 0)::float8`,
  );
  return `array[${sums.join(', ')}]`;
}

/** Returns the number of calls in each range of durations for one call: a one and zeros. */
export function countDuration(durationMs: number): number[] {
  const next = DURATION_BOUNDS_MS.findIndex((bound) => durationMs < bound);
  const range = next === -1 ? DURATION_BOUNDS_MS.length : next;
  return RANGES.map((_, at) => (at === range ? 1 : 0));
}

/** Returns SQL for the sums of two `duration_counts`, range by range. An empty one counts no calls. */
export function addDurationCountsSql(one: string, other: string): string {
  return `array[${RANGES.map((range) => `coalesce(${one}[${range}], 0) + coalesce(${other}[${range}], 0)`).join(', ')}]`;
}

/** Returns SQL for the sums of `duration_counts` over the rows of a group, range by range, a `float8[]`. */
export function sumDurationCountsSql(column: string): string {
  return `array[${RANGES.map((range) => `coalesce(sum(${column}[${range}]), 0)::float8`).join(', ')}]`;
}
