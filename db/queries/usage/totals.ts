import type { Sql } from '../../client/sql.ts';
import type { Transport } from './events.ts';

/** What usage is told by. `endpoint` is a day's transport and operation together, as the daily totals are kept. */
export type UsageGroup = 'endpoint' | 'day' | 'operation' | 'transport' | 'hour' | 'key';

/** Calls of one group added up. Of the first six columns, it has those that it is grouped by. */
export interface UsageSumRow {
  day?: string;
  hour?: Date;
  transport?: Transport;
  operation?: string;
  /** Null for calls of a key that is gone. */
  key_id?: string | null;
  key_name?: string | null;
  calls: number;
  billable: number;
  errors: number;
  duration_ms: number;
  bytes_in: number;
  bytes_out: number;
  /** Of the day's allowance. */
  units: number;
  /** That models were given to read. */
  tokens: number;
}

const DAY = "to_char(u.day, 'YYYY-MM-DD')";
const HOUR = "date_trunc('hour', u.at, 'UTC')";
const KEY_NAME = '(select name from api_keys k where k.user_id = $1 and k.id = u.api_key_id)';

/** Which table tells a group, its columns, what they are grouped by, and their order. */
const GROUPS: Record<
  UsageGroup,
  { table: 'usage_daily' | 'usage_events'; columns: string; by: string; order: string }
> = {
  endpoint: {
    table: 'usage_daily',
    columns: `${DAY} as day, u.transport, u.operation`,
    by: 'u.day, u.transport, u.operation',
    order: 'u.day desc, calls desc, u.operation, u.transport',
  },
  day: { table: 'usage_daily', columns: `${DAY} as day`, by: 'u.day', order: 'u.day desc' },
  operation: { table: 'usage_daily', columns: 'u.operation', by: 'u.operation', order: 'calls desc, u.operation' },
  transport: { table: 'usage_daily', columns: 'u.transport', by: 'u.transport', order: 'calls desc, u.transport' },
  hour: { table: 'usage_events', columns: `${HOUR} as hour`, by: HOUR, order: 'hour desc' },
  key: {
    table: 'usage_events',
    columns: `u.api_key_id as key_id, ${KEY_NAME} as key_name`,
    by: 'u.api_key_id',
    order: 'calls desc, key_id',
  },
};

const SUMS = {
  usage_daily: `sum(u.calls)::float8 as calls, sum(u.billable)::float8 as billable, sum(u.errors)::float8 as errors,
    sum(u.duration_ms) as duration_ms, sum(u.bytes_in)::float8 as bytes_in, sum(u.bytes_out)::float8 as bytes_out, sum(u.units)::float8 as units,
    coalesce(sum(u.tokens), 0)::float8 as tokens`,
  usage_events: `count(*)::float8 as calls, (count(*) filter (where u.billable))::float8 as billable,
    (count(*) filter (where u.status >= 400))::float8 as errors, sum(u.duration_ms::float8) as duration_ms,
    sum(u.bytes_in)::float8 as bytes_in, sum(u.bytes_out)::float8 as bytes_out, sum(u.units)::float8 as units,
    coalesce(sum(u.tokens), 0)::float8 as tokens`,
};

/** The tenant's calls from `from` to `to` (UTC days, both included), newest or most called first. */
export async function sumUsage(
  sql: Sql,
  userId: string,
  from: string,
  to: string,
  group: UsageGroup,
): Promise<UsageSumRow[]> {
  const { table, columns, by, order } = GROUPS[group];
  const result = await sql.query<UsageSumRow>({
    name: `sum_usage_by_${group}`,
    text: `select ${columns}, ${SUMS[table]} from ${table} u
      where u.user_id = $1 and u.day between $2 and $3 group by ${by} order by ${order}`,
    values: [userId, from, to],
  });
  return result.rows;
}
