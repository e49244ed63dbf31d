import { sumUsage } from '../../db/queries/usage/totals.ts';
import type { Caller, RequestContext } from '../context.ts';
import { invalidField } from '../errors.ts';
import { type CallFilter, rangeOf, requireUsageDay, toUsageGroup, utcDay } from './usage.ts';

const COLUMNS = [
  'day',
  'transport',
  'operation',
  'endpoint',
  'calls',
  'billable',
  'errors',
  'mean_ms',
  'p50_ms',
  'p95_ms',
  'bytes_in',
  'bytes_out',
  'quota_units',
  'tokens',
] as const;

interface CsvInput extends CallFilter {
  month?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/**
 * Returns the caller's usage as CSV: a row per day, transport and operation, oldest first.
 * @param input a month (`YYYY-MM`, default the current one), or a range of at most 400 days
 */
export async function usageCsv(context: RequestContext, caller: Caller, input: CsvInput): Promise<string> {
  const { from, to } = daysOf(context.now(), input);
  const filter = { ...input, keyId: input.key_id };
  const rows = await sumUsage(context.sql, caller.userId, from, to, 'endpoint', filter);
  const groups = rows.map(toUsageGroup).toSorted((a, b) => (a.day ?? '').localeCompare(b.day ?? ''));
  return formatCsv([COLUMNS, ...groups.map((group) => COLUMNS.map((column) => group[column] ?? ''))]);
}

function daysOf(now: Date, { month, from, to }: CsvInput): { from: string; to: string } {
  if (from !== undefined || to !== undefined) {
    if (month !== undefined) throw invalidField('month', 'must not be combined with `from` or `to`');
    return rangeOf(now, { from, to });
  }
  const first = requireUsageDay('month', `${month ?? utcDay(now).slice(0, 7)}-01`);
  const last = new Date(first);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  return { from: first, to: utcDay(last) };
}

/** Formats rows as CSV (RFC 4180). Text that a spreadsheet would run as a formula is prefixed with an apostrophe. */
export function formatCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
