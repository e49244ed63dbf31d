import type { IncomingHttpHeaders } from 'node:http';
import { DAY_MS } from '../time.ts';

/** Time for which a delivery is attempted, and after which a webhook that no delivery reached is disabled. */
export const RETRY_MS = 3 * DAY_MS;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits after each failed attempt; the last one repeats until {@link RETRY_MS} have passed. */
const WAITS_MS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  12 * HOUR,
];
/** Longest pause of a webhook that cannot be reached, so that it soon works again once it can. */
const PAUSE_MAX_MS = HOUR;
/** Longest wait that a `Retry-After` can ask for. */
const RETRY_AFTER_MAX_MS = DAY_MS;
/** Share of a wait that is added or taken at random, so that retries spread. */
const JITTER = 0.2;

/** Returns the wait after a delivery's failed attempt, of which there were `attempts`. */
export function retryDelayMs(attempts: number, random: () => number): number {
  const wait = WAITS_MS[Math.min(attempts, WAITS_MS.length) - 1] ?? 0;
  return Math.round(wait * (1 - JITTER + 2 * JITTER * random()));
}

/** Returns for how long nothing is sent to a webhook that did not respond `failures` times in a row. */
export function pauseMs(failures: number, random: () => number): number {
  return Math.min(PAUSE_MAX_MS, retryDelayMs(failures, random));
}

/** Returns the wait that the `Retry-After` of a response asks for, in seconds or as a date, up to a day; undefined without one. */
export function retryAfterMs({ 'retry-after': value }: IncomingHttpHeaders, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * SECOND : Date.parse(value) - now.getTime();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), RETRY_AFTER_MAX_MS);
}
