import { describe, expect, it } from 'vitest';
import { parseDates } from '../../../api/search/query-dates.ts';

const NOW = new Date('2026-11-29T10:00:00Z'); // a Sunday
const spans = (query: string, timeZone?: string) =>
  parseDates(query, NOW, timeZone).map(({ from, to }) => `${from.toISOString()} ${to.toISOString()}`);
/** Spans of whole days, as `first day..day after the last`. */
const days = (query: string) => spans(query).map((span) => span.replaceAll('T00:00:00.000Z', '').replace(' ', '..'));

describe('dates in a query', () => {
  it.each([
    ['what did we decide yesterday', '2026-11-28..2026-11-29'],
    ['the day before yesterday', '2026-11-27..2026-11-28'],
    ['what was done today?', '2026-11-29..2026-11-30'],
    ['deploys of last month', '2026-10-01..2026-11-01'],
    ['invoices last week', '2026-11-16..2026-11-23'],
    ['incidents last quarter', '2026-07-01..2026-10-01'],
    ['incidents last year', '2025-01-01..2026-01-01'],
    ['outage last Friday', '2026-11-27..2026-11-28'],
    ['the Monday meeting', '2026-11-23..2026-11-24'],
    ['release in March', '2026-03-01..2026-04-01'],
    ['release in December', '2025-12-01..2026-01-01'],
    ['what happened in may', '2026-05-01..2026-06-01'],
    ['outage of March 14th', '2026-03-14..2026-03-15'],
    ['outage of 14th of March', '2026-03-14..2026-03-15'],
    ['party on December 24', '2025-12-24..2025-12-25'],
    ['party on 8 May, 2023', '2023-05-08..2023-05-09'],
    ['costs 2026-03', '2026-03-01..2026-04-01'],
    ['costs 2026-03-14', '2026-03-14..2026-03-15'],
    ['costs in 2025', '2025-01-01..2026-01-01'],
    ['from 3 to 9 March 2026', '2026-03-03..2026-03-10'],
    ['what broke in the last 3 days', '2026-11-26..2026-11-30'],
    ['two weeks ago', '2026-11-15..2026-11-16'],
    ['deploys before March', '1970-01-01..2026-03-01'],
    ['what ran before last week', '1970-01-01..2026-11-16'],
    ['prior to 2026-03', '1970-01-01..2026-03-01'],
    ['decisions before 2025', '1970-01-01..2025-01-01'],
    ['everything until yesterday', '1970-01-01..2026-11-29'],
    ['incidents since March', '2026-03-01..2026-11-30'],
    ['incidents since 2025', '2025-01-01..2026-11-30'],
    ['incidents after March', '2026-04-01..2026-11-30'],
    ['incidents after March 14th', '2026-03-15..2026-11-30'],
  ])('reads "%s"', (query, span) => {
    expect(days(query)).toEqual([span]);
  });

  it.each([
    'may I use tabs',
    'the sun is shining',
    'march through the directory tree',
    'version 2.10.3',
    'host 192.168.1.1',
    'add 1/2 cup',
    'cron at 5pm',
    'meeting at 10:30',
    'error code 2023',
    'port 2024',
    'deploy second region',
    'which version runs now',
    'what is due after December 2027',
    '',
  ])('finds none in "%s"', (query) => {
    expect(spans(query)).toEqual([]);
  });

  it('begins days at midnight of the time zone, in summer and winter', () => {
    expect(spans('yesterday', 'America/New_York')).toEqual(['2026-11-28T05:00:00.000Z 2026-11-29T05:00:00.000Z']);
    expect(spans('July 4th', 'America/New_York')).toEqual(['2026-07-04T04:00:00.000Z 2026-07-05T04:00:00.000Z']);
    expect(parseDates('today', new Date('2026-11-29T20:00:00Z'), 'Asia/Tokyo')[0]?.from.toISOString()).toBe(
      '2026-11-29T15:00:00.000Z',
    );
  });

  it('reads at most four spans, from the first 300 characters', () => {
    expect(spans('January 1st, February 2nd, March 3rd, April 4th, May 5th')).toHaveLength(4);
    expect(spans(`${'x '.repeat(150)}yesterday`)).toEqual([]);
  });
});
