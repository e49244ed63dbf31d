import * as f from '../../contracts/fields.ts';

/** A date, and a time that may lack its offset or have a space before it. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;
/** Numbers above this are milliseconds since 1970, below it seconds: the seconds of the year 5138. */
const SECONDS_MAX = 100_000_000_000;

/**
 * Converts a time as other tools write it to ISO 8601 with an offset: without one it is UTC. Numbers are seconds or milliseconds since
 * 1970. Returns undefined for anything else.
 */
export function sourceTime(value: unknown): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (typeof value === 'number' || (typeof value === 'string' && /^\d{9,13}$/.test(value)))
    return fromEpoch(Number(value));
  if (typeof value !== 'string') return undefined;
  const [, date, time, offset = 'Z'] = TIME.exec(value.trim()) ?? [];
  if (date === undefined) return undefined;
  const iso = time === undefined ? date : `${date}T${time}${toOffset(offset)}`;
  return f.moment.safeParse(iso).success ? iso : undefined;
}

function fromEpoch(value: number): string | undefined {
  const date = new Date(value > SECONDS_MAX ? value : value * 1_000);
  const iso = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return f.moment.safeParse(iso).success ? iso : undefined;
}

function toOffset(offset: string): string {
  if (/^(z|utc)$/i.test(offset)) return 'Z';
  const [, hours, minutes = '00'] = /^([+-]\d\d):?(\d\d)?$/.exec(offset) ?? [];
  return `${hours}:${minutes}`;
}
