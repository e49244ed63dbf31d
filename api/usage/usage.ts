import { exactlyOne } from '../../db/client/sql.ts';
import { sumDayUnitsStatement, type Transport } from '../../db/queries/usage/events.ts';
import { sumUsageByHour } from '../../db/queries/usage/hours.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import { sumBillable, sumUsage, type UsageGroup, type UsageSumRow } from '../../db/queries/usage/totals.ts';
import type { Caller, RequestContext } from '../context.ts';
import { endpointOf } from '../contracts/endpoint.ts';
import { invalidField } from '../errors.ts';
import { DAY_MS } from '../time.ts';
import { percentileMs } from './percentile.ts';

const DEFAULT_DAYS = 31;
const DAYS_MAX = 400;
/** Groups by hour are summed from single events, which are many. */
const DAYS_OF_EVENTS_MAX = 7;
/** PostgreSQL cannot store every year that a date may have. */
const FIRST_DAY = '1970-01-01';

interface Range {
  from?: string | undefined;
  to?: string | undefined;
  days?: number | undefined;
}

/** Which calls are summed. */
export interface CallFilter {
  key_id?: string | undefined;
  client?: string | undefined;
  transport?: Transport | undefined;
  operation?: string | undefined;
}

/** Returns the caller's usage in groups and in total, and the share of the plan's limits. Requests in progress are not included. */
export async function usage(
  context: RequestContext,
  caller: Caller,
  input: Range & CallFilter & { group_by?: Exclude<UsageGroup, 'endpoint'> | undefined },
) {
  const group = input.group_by ?? 'endpoint';
  const daysMax = group === 'hour' ? DAYS_OF_EVENTS_MAX : DAYS_MAX;
  const { from, to } = rangeOf(context.now(), input, daysMax);
  const filter = { ...input, keyId: input.key_id };
  const [rows, plan] = await Promise.all([
    group === 'hour'
      ? sumUsageByHour(context.sql, caller.userId, from, to, filter)
      : sumUsage(context.sql, caller.userId, from, to, group, filter),
    planUsage(context, caller),
  ]);
  const sum = (field: 'calls' | 'billable' | 'errors') => rows.reduce((total, row) => total + row[field], 0);
  return {
    from,
    to,
    results: rows.map(toUsageGroup),
    totals: { calls: sum('calls'), billable: sum('billable'), errors: sum('errors') },
    plan,
  };
}

/** Returns the UTC day of a time, `YYYY-MM-DD`. */
export function utcDay(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/** Adds mean and percentiles of the durations to a group, and the endpoint where transport and operation are known. */
export function toUsageGroup({ duration_ms, duration_counts, hour, ...row }: UsageSumRow) {
  return {
    ...row,
    ...(hour && { hour: hour.toISOString() }),
    ...(row.transport && row.operation && { endpoint: endpointOf(row.transport, row.operation) }),
    mean_ms: Math.round((duration_ms / row.calls) * 100) / 100,
    p50_ms: percentileMs(duration_counts, 0.5),
    p95_ms: percentileMs(duration_counts, 0.95),
  };
}

/**
 * Validates a day of usage.
 * @throws Problem `unprocessable` for a day before 1970
 */
export function requireUsageDay(field: string, day: string): string {
  if (day < FIRST_DAY) throw invalidField(field, `must not be before ${FIRST_DAY}`);
  return day;
}

/**
 * Returns the first and last UTC day of a range; by default the last 31 days, or `daysMax` if that is fewer.
 * @throws Problem `unprocessable` for a range that is empty or has more than `daysMax` days
 */
export function rangeOf(now: Date, input: Range, daysMax = DAYS_MAX): { from: string; to: string } {
  if (input.from !== undefined && input.days !== undefined)
    throw invalidField('days', 'must not be combined with `from`');
  if (input.from !== undefined) requireUsageDay('from', input.from);
  if (input.to !== undefined) requireUsageDay('to', input.to);
  const to = input.to ?? utcDay(now);
  const from =
    input.from ?? utcDay(new Date(Date.parse(to) - ((input.days ?? Math.min(DEFAULT_DAYS, daysMax)) - 1) * DAY_MS));
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) throw invalidField('from', 'must not be after `to`');
  if (days > daysMax) {
    const field = input.days === undefined ? 'from' : 'days';
    const by = daysMax === DAYS_OF_EVENTS_MAX ? ' by hour' : '';
    throw invalidField(field, `covers ${days} days; the maximum is ${daysMax}${by}`);
  }
  return { from, to };
}

/** Returns how much of the plan's calls of today and storage is used. */
export async function planUsage(context: RequestContext, { userId, plan, limits }: Caller) {
  const now = context.now();
  const [calls, quota, billable] = await Promise.all([
    context.sql.query<{ units: number }>(sumDayUnitsStatement(userId, utcDay(now))),
    findQuota(context.sql, userId),
    sumBillable(context.sql, userId, `${utcDay(now).slice(0, 7)}-01`),
  ]);
  const midnight = Date.parse(utcDay(now)) + DAY_MS;
  return {
    name: plan,
    calls_today: {
      ...share(exactlyOne(calls).units, limits.requests_per_day),
      resets_at: new Date(midnight).toISOString(),
    },
    requests_this_month: billable,
    storage_bytes: share(quota.storage_bytes, limits.storage_bytes),
  };
}

function share(used: number, limit: number) {
  return { used, limit, percent: Math.round((used * 1000) / limit) / 10 };
}
