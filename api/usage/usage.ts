import { exactlyOne } from '../../db/client/sql.ts';
import { sumDayUnitsStatement } from '../../db/queries/usage/events.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import { sumUsage, type UsageGroup, type UsageSumRow } from '../../db/queries/usage/totals.ts';
import type { Caller, RequestContext } from '../context.ts';
import { findOperation } from '../contracts/index.ts';
import { refuse } from '../errors.ts';
import { DAY_MS } from '../time.ts';

const DEFAULT_DAYS = 31;
const MOST_DAYS = 400;
/** Hours and keys are added up from the single events, which are many. */
const MOST_DAYS_OF_EVENTS = 31;
/** Nothing was ever called before; and there are years that no database can write. */
const FIRST_DAY = '1970-01-01';

interface Range {
  from?: string;
  to?: string;
  days?: number;
}

/** What the caller has used, in groups and in all, and how much of the plan that is. Calls still under way are not in it. */
export async function usage(
  context: RequestContext,
  caller: Caller,
  input: Range & { group_by?: Exclude<UsageGroup, 'endpoint'> },
) {
  const group = input.group_by ?? 'endpoint';
  const mostDays = group === 'hour' || group === 'key' ? MOST_DAYS_OF_EVENTS : MOST_DAYS;
  const { from, to } = rangeOf(context, input, mostDays);
  const [rows, plan] = await Promise.all([
    sumUsage(context.sql, caller.userId, from, to, group),
    planUse(context, caller),
  ]);
  const sum = (field: 'calls' | 'billable' | 'errors') => rows.reduce((total, row) => total + row[field], 0);
  return {
    from,
    to,
    results: rows.map(presentSum),
    totals: { calls: sum('calls'), billable: sum('billable'), errors: sum('errors') },
    plan,
  };
}

/** The UTC day of a moment, `YYYY-MM-DD`. */
export function utcDay(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** A group as it is answered, with the mean duration, and the endpoint where transport and operation are known. */
export function presentSum({ duration_ms, hour, ...row }: UsageSumRow) {
  return {
    ...row,
    ...(hour && { hour: hour.toISOString() }),
    ...(row.transport && row.operation && { endpoint: endpointOf(row.transport, row.operation) }),
    mean_ms: Math.round((duration_ms / row.calls) * 100) / 100,
  };
}

/**
 * A day from which usage is told.
 * @throws Problem `unprocessable` for one that lies before all usage
 */
export function requireUsageDay(field: string, day: string): string {
  if (day < FIRST_DAY) throw refuse(field, `must not lie before ${FIRST_DAY}`);
  return day;
}

function rangeOf(context: RequestContext, input: Range, mostDays: number): { from: string; to: string } {
  if (input.from !== undefined && input.days !== undefined) throw refuse('days', 'must not be given beside `from`');
  if (input.from !== undefined) requireUsageDay('from', input.from);
  if (input.to !== undefined) requireUsageDay('to', input.to);
  const to = input.to ?? utcDay(context.now());
  const from = input.from ?? utcDay(new Date(Date.parse(to) - ((input.days ?? DEFAULT_DAYS) - 1) * DAY_MS));
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) throw refuse('from', 'must not lie after `to`');
  if (days > mostDays) {
    const field = input.days === undefined ? 'from' : 'days';
    const by = mostDays === MOST_DAYS_OF_EVENTS ? ' by hour or key' : '';
    throw refuse(field, `asks for ${days} days; at most ${mostDays} are answered at once${by}`);
  }
  return { from, to };
}

async function planUse(context: RequestContext, { userId, plan, limits }: Caller) {
  const now = context.now();
  const [calls, quota] = await Promise.all([
    context.sql.query<{ units: number }>(sumDayUnitsStatement(userId, utcDay(now))),
    findQuota(context.sql, userId),
  ]);
  const midnight = Date.parse(utcDay(now)) + DAY_MS;
  return {
    name: plan,
    calls_today: {
      ...share(exactlyOne(calls).units, limits.requests_per_day),
      resets_at: new Date(midnight).toISOString(),
    },
    storage_bytes: share(quota.storage_bytes, limits.storage_bytes),
  };
}

function share(used: number, limit: number) {
  return { used, limit, percent: Math.round((used * 1000) / limit) / 10 };
}

/** What a person calls it: over REST method and path, over MCP the tool's or resource's name. */
function endpointOf(transport: string, operation: string): string {
  const declared = findOperation(operation);
  if (!declared) return operation;
  if (transport === 'rest') return `${declared.http.method} /api/v1${declared.http.path}`;
  return declared.mcp?.tool ?? declared.mcp?.resource ?? operation;
}
