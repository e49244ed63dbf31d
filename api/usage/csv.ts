import { sumUsage } from '../../db/queries/usage/totals.ts';
import type { Caller, RequestContext } from '../context.ts';
import { requireUsageDay, toUsageGroup, utcDay } from './usage.ts';

const COLUMNS = [
  'day',
  'transport',
  'operation',
  'endpoint',
  'calls',
  'billable',
  'errors',
  'mean_ms',
  'bytes_in',
  'bytes_out',
  'quota_units',
  'tokens',
] as const;

/** Returns the caller's usage of a month (`YYYY-MM`, default the current one) as CSV: a row per day, transport and operation, oldest first. */
export async function usageCsv(context: RequestContext, caller: Caller, input: { month?: string }): Promise<string> {
  const month = input.month ?? utcDay(context.now()).slice(0, 7);
  const first = requireUsageDay('month', `${month}-01`);
  const last = new Date(first);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  const rows = await sumUsage(context.sql, caller.userId, first, utcDay(last), 'endpoint');
  const groups = rows.map(toUsageGroup).toSorted((a, b) => (a.day ?? '').localeCompare(b.day ?? ''));
  return formatCsv([COLUMNS, ...groups.map((group) => COLUMNS.map((column) => group[column] ?? ''))]);
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
