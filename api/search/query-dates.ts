import * as chrono from 'chrono-node';
import { DAY_MS } from '../time.ts';

/** A span of time that a query names, and the words that name it. */
export interface DateSpan {
  text: string;
  from: Date;
  /** Exclusive. */
  to: Date;
  /** The same span as wall clock times, written as if they were UTC: for times whose own offset is known. */
  local: { from: Date; to: Date };
  /** True for all that was before or since a date, which says less about a memory than a named day. */
  isOpen: boolean;
}

/** A span of wall clock times, and where in the query its name starts. */
interface LocalSpan extends Omit<DateSpan, 'local' | 'isOpen'> {
  isOpen?: boolean;
}

/** Spans of one query that are used; the rest is ignored. */
const SPANS_MAX = 4;
/** Queries are read up to here: dates are in questions, not in pasted logs. The library's cost grows with the square of the length. */
const CHARACTERS_MAX = 300;

/** ISO years and months, and years after a preposition, which the library does not read. */
const ISO_MONTH = /(?<![\d-])((?:19|20)\d\d)-(0[1-9]|1[0-2])(?![\d-])/g;
const YEAR = /\b(?:in|during|since|of|year|before|after|until)\s+((?:19|20)\d\d)(?![\d.-])/gi;
/** Words that are dates only beside another part of a date, or after a word that introduces one. */
const AMBIGUOUS = /^(?:may|march|sun|sat|mon|wed|fri|thu|tue|mar|jan|dec|oct|nov|sep|jun|jul|aug|apr|feb|second)$/i;
const INTRODUCED = /\b(?:in|since|until|during|of|last|this|next|every|on|early|late|mid|from|before|after)[\s-]+$/i;
/** `1/2`, `10:30`, `3-4`: numbers without a month's name that are not a full date. */
const BARE_NUMBERS = /^[\d\s/.:-]+$/;
const FULL_DATE = /\d{4}/;
/** Words before a date that name all that was before it, or since; but not those of `the day before yesterday`. */
const ARTICLES = '(?:\\s+(?:the|about|around))?\\s*$';
const BEFORE = new RegExp(
  `(?<!\\b(?:days?|weeks?|months?|years?)\\s)\\b(?:before|prior to|earlier than)${ARTICLES}`,
  'i',
);
const UNTIL = new RegExp(`\\b(?:until|till|up to)${ARTICLES}`, 'i');
const SINCE = new RegExp(`\\bsince${ARTICLES}`, 'i');
const AFTER = new RegExp(`(?<!\\b(?:days?|weeks?|months?|years?)\\s)\\b(?:after|later than)${ARTICLES}`, 'i');

/**
 * Makes the library compile its expressions, of which the second use takes 0.2 s: otherwise all calls of a node would wait for its second
 * search.
 */
export function prepareDates(): void {
  for (let use = 0; use < 2; use++) chrono.parse('the plan of 5 May 2023 at 10:30', new Date(0));
}

/**
 * Returns the spans of time that a query names, such as "yesterday", "last month", "in March", "March 14th" or "2026-03".
 * A day or month without a year is the latest one that has begun.
 * @param timeZone IANA name; days begin at midnight there
 */
export function parseDates(query: string, now: Date, timeZone = 'UTC'): DateSpan[] {
  const text = query.slice(0, CHARACTERS_MAX);
  const local = toLocal(now, timeZone);
  const spans = [...explicitSpans(text, local), ...namedSpans(text, local)].slice(0, SPANS_MAX);
  return spans.map(({ text: name, from, to, isOpen = false }) => ({
    text: name,
    from: toInstant(from, timeZone),
    to: toInstant(to, timeZone),
    local: { from, to },
    isOpen,
  }));
}

/** ISO months and years. Times are local, written as UTC. */
function explicitSpans(text: string, local: Date): LocalSpan[] {
  const months = [...text.matchAll(ISO_MONTH)].map(({ 0: name, 1: year, 2: month, index }) =>
    widen(monthSpan(name, Number(year), Number(month)), text.slice(0, index), local),
  );
  const years = [...text.matchAll(YEAR)].map(({ 0: name, 1: year = '', index }) =>
    widen(yearSpan(year, Number(year)), text.slice(0, index + name.length - year.length), local),
  );
  return [...months, ...years].flatMap((span) => span ?? []);
}

function namedSpans(text: string, local: Date): LocalSpan[] {
  const results = chrono.parse(text, { instant: local, timezone: 0 });
  return results.flatMap((result) => {
    const before = text.slice(0, result.index);
    if (!isDate(result.text, before)) return [];
    const span = spanOf(result, local);
    return (span && widen(span, before, local)) ?? [];
  });
}

/** Returns all that was before, until, since or after a span, where the words in front of it say so; undefined where that is empty. */
function widen(span: LocalSpan, before: string, local: Date): LocalSpan | undefined {
  const open = { ...span, isOpen: true };
  if (BEFORE.test(before)) return { ...open, from: new Date(0), to: span.from };
  if (UNTIL.test(before)) return { ...open, from: new Date(0) };
  const from = SINCE.test(before) ? span.from : AFTER.test(before) ? span.to : undefined;
  if (!from) return span;
  return from <= local ? { ...open, from, to: nextDay(local) } : undefined;
}

function isDate(name: string, before: string): boolean {
  if (/\bnow$/i.test(name)) return false;
  if (BARE_NUMBERS.test(name)) return FULL_DATE.test(name);
  if (!AMBIGUOUS.test(name)) return true;
  return INTRODUCED.test(before) || (/^(?:March|May)$/.test(name) && before !== '');
}

function spanOf({ text, start, end }: chrono.ParsedResult, local: Date): LocalSpan | undefined {
  const first = periodOf(text, start, local);
  if (!first) return undefined;
  if (
    /^(?:(?:in|over|within|during) )?(?:the )?(?:past|last) (?:few|\d+|two|three|four|five|six|seven|ten)\b/i.test(text)
  )
    return { text, from: first.from, to: nextDay(local) };
  const last = end ? periodOf(text, end, local) : undefined;
  return { text, from: first.from, to: last && last.to > first.to ? last.to : first.to };
}

/** Returns the day, week, month, quarter or year that the known parts of a date name; undefined for a mere time of day. */
function periodOf(text: string, date: chrono.ParsedComponents, local: Date): LocalSpan | undefined {
  const [year, month, day] = [date.get('year'), date.get('month'), date.get('day')] as [number, number, number];
  const at = new Date(Date.UTC(year, month - 1, day));
  if (/\bweek$/i.test(text)) return weekSpan(text, at);
  if (/\bweekend$/i.test(text)) return latest({ text, from: at, to: addDays(at, 2) }, 7, local);
  if (/\bquarter$/i.test(text)) return quarterSpan(text, at);
  if (/\byear$/i.test(text)) return yearSpan(text, year);
  if (date.isCertain('day')) return withYear(date, { text, from: at, to: addDays(at, 1) }, local);
  if (date.isCertain('month')) return withYear(date, monthSpan(text, year, month), local);
  if (date.isCertain('weekday'))
    return /\bnext\b/i.test(text) ? daySpan(text, at) : latest(daySpan(text, at), 7, local);
  return /\b(?:today|tonight)\b/i.test(text) ? daySpan(text, at) : undefined;
}

/** Moves a date without a year to the latest year in which it has begun. */
function withYear(date: chrono.ParsedComponents, span: LocalSpan, local: Date): LocalSpan {
  if (date.isCertain('year') || span.from <= local) return span;
  return { ...span, from: yearBefore(span.from), to: yearBefore(span.to) };
}

function latest(span: LocalSpan, days: number, local: Date): LocalSpan {
  if (span.from <= local) return span;
  return { ...span, from: addDays(span.from, -days), to: addDays(span.to, -days) };
}

function daySpan(text: string, day: Date): LocalSpan {
  return { text, from: day, to: addDays(day, 1) };
}

/** The ISO week, Monday to Sunday. */
function weekSpan(text: string, day: Date): LocalSpan {
  const monday = addDays(day, -((day.getUTCDay() + 6) % 7));
  return { text, from: monday, to: addDays(monday, 7) };
}

function monthSpan(text: string, year: number, month: number): LocalSpan {
  return { text, from: new Date(Date.UTC(year, month - 1)), to: new Date(Date.UTC(year, month)) };
}

function quarterSpan(text: string, day: Date): LocalSpan {
  const month = day.getUTCMonth() - (day.getUTCMonth() % 3);
  const year = day.getUTCFullYear();
  return { text, from: new Date(Date.UTC(year, month)), to: new Date(Date.UTC(year, month + 3)) };
}

function yearSpan(text: string, year: number): LocalSpan {
  return { text, from: new Date(Date.UTC(year, 0)), to: new Date(Date.UTC(year + 1, 0)) };
}

function addDays(day: Date, days: number): Date {
  return new Date(day.getTime() + days * DAY_MS);
}

function nextDay(local: Date): Date {
  return addDays(new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate())), 1);
}

function yearBefore(day: Date): Date {
  return new Date(Date.UTC(day.getUTCFullYear() - 1, day.getUTCMonth(), day.getUTCDate()));
}

/** The wall clock of a time zone, written as if it were UTC. */
function toLocal(instant: Date, timeZone: string): Date {
  return new Date(instant.getTime() + offsetMs(instant, timeZone));
}

/** The instant of a wall clock time, off by at most the change of a daylight saving switch on that very day. */
function toInstant(local: Date, timeZone: string): Date {
  const guess = local.getTime() - offsetMs(local, timeZone);
  return new Date(local.getTime() - offsetMs(new Date(guess), timeZone));
}

function offsetMs(instant: Date, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(instant);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  return sign ? (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000 : 0;
}
