const NUMBER = new Intl.NumberFormat('en');
const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });
const DATE_TIME = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const LOG_TIME = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

const SECONDS = { year: 31_557_600, month: 2_629_800, day: 86_400, hour: 3_600, minute: 60 } as const;
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Formats a number with separators: 12,345. */
export function formatNumber(value: number): string {
  return NUMBER.format(value);
}

/** Formats a number of bytes in powers of 1,000: 1.2 MB. */
export function formatBytes(bytes: number): string {
  const unit = Math.min(BYTE_UNITS.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  const value = bytes / 1000 ** unit;
  return `${NUMBER.format(value < 10 && unit > 0 ? Math.round(value * 10) / 10 : Math.round(value))} ${BYTE_UNITS[unit]}`;
}

/** Formats milliseconds: 12 ms, 1.2 s. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${NUMBER.format(Math.round(ms))} ms` : `${NUMBER.format(Math.round(ms / 100) / 10)} s`;
}

/** Formats the day of an ISO 8601 time, in the time zone of the browser. */
export function formatDate(iso: string): string {
  return DATE.format(new Date(iso));
}

/** Formats an ISO 8601 time with its seconds, in the time zone of the browser. */
export function formatDateTime(iso: string): string {
  return DATE_TIME.format(new Date(iso));
}

/** Formats a recent time for a row of a log: Nov 29, 18:08:57. */
export function formatLogTime(iso: string): string {
  return LOG_TIME.format(new Date(iso));
}

/** Formats the distance of a time from now: "5 min. ago", "in 3 days". */
export function formatRelative(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  for (const [unit, length] of Object.entries(SECONDS)) {
    if (Math.abs(seconds) >= length) {
      return RELATIVE.format(Math.trunc(seconds / length), unit as Intl.RelativeTimeFormatUnit);
    }
  }
  return seconds > 0 ? 'in a moment' : 'just now';
}

/** Renders a time as its distance from now, with the exact time in its title. */
export function Time({ iso, isExact = false }: { iso: string; isExact?: boolean }) {
  return (
    <time dateTime={iso} title={formatDateTime(iso)}>
      {isExact ? formatDateTime(iso) : formatRelative(iso)}
    </time>
  );
}
