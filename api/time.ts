export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Returns the wall clock time of a time zone, written as if it were UTC. */
export function wallClock(instant: Date, offsetMinutes: number): Date {
  return new Date(instant.getTime() + offsetMinutes * MINUTE_MS);
}

/** Formats a time with the offset of its time zone, such as `2026-03-20T23:30:00.000-05:00`; UTC ends in `Z` (RFC 3339). */
export function formatWithOffset(instant: Date, offsetMinutes: number): string {
  const local = wallClock(instant, offsetMinutes).toISOString();
  if (offsetMinutes === 0) return local;
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${local.slice(0, -1)}${offsetMinutes < 0 ? '-' : '+'}${pad(hours)}:${pad(minutes)}`;
}
