import { listUsageDays } from '../../db/usage.ts';
import { findOperation } from '../contracts/index.ts';
import type { Caller, Deps } from '../domain.ts';
import { refuse } from '../errors.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MOST_DAYS = 400;
/** Nothing was ever called before; and there are years that no database can write. */
const FIRST_DAY = '1970-01-01';

/** The caller's daily totals, newest day first. Calls still under way are not in them. */
export async function usage(deps: Deps, caller: Caller, input: { from?: string; to?: string }) {
  for (const end of ['from', 'to'] as const) {
    if (input[end] !== undefined && input[end] < FIRST_DAY) throw refuse(end, `must not lie before ${FIRST_DAY}`);
  }
  const to = input.to ?? utcDay(deps.now());
  const from = input.from ?? utcDay(new Date(Date.parse(to) - DEFAULT_DAYS * DAY_MS));
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  if (days < 0) throw refuse('from', 'must not lie after `to`');
  if (days > MOST_DAYS) throw refuse('from', `must lie at most ${MOST_DAYS} days before \`to\``);
  const rows = await listUsageDays(deps.sql, caller.userId, from, to);
  const sum = (field: 'calls' | 'billable' | 'errors') => rows.reduce((total, row) => total + row[field], 0);
  return {
    from,
    to,
    results: rows.map(({ duration_ms, ...row }) => ({
      ...row,
      endpoint: endpointOf(row.door, row.operation),
      mean_ms: Math.round((duration_ms / row.calls) * 100) / 100,
    })),
    totals: { calls: sum('calls'), billable: sum('billable'), errors: sum('errors') },
  };
}

/** The UTC day of a moment, `YYYY-MM-DD`. */
export function utcDay(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** What a person calls it: over REST method and path, over MCP the tool's or resource's name. */
function endpointOf(door: string, operation: string): string {
  const declared = findOperation(operation);
  if (!declared) return operation;
  if (door === 'rest') return `${declared.method} /api/v1${declared.path}`;
  return declared.tool ?? declared.resource ?? operation;
}
