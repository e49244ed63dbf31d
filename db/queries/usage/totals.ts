import type { Sql } from '../../client/sql.ts';
import type { Transport } from './events.ts';

/** Grouping of usage. `endpoint` groups by day, transport and operation, like the daily totals. */
export type UsageGroup = 'endpoint' | 'day' | 'operation' | 'transport' | 'hour' | 'key';

/** Totals of a group. Of the first six fields it has those that it is grouped by. */
export interface UsageSumRow {
  day?: string;
  hour?: Date;
  transport?: Transport;
  operation?: string;
  /** Null for requests with a deleted key. */
  key_id?: string | null;
  key_name?: string | null;
  calls: number;
  billable: number;
  errors: number;
  duration_ms: number;
  bytes_in: number;
  bytes_out: number;
  /** Quota units of the day. */
  quota_units: number;
  /** Tokens of responses that models read. */
  tokens: number;
}

const DAY = "to_char(u.day, 'YYYY-MM-DD')";
const HOUR = "date_trunc('hour', u.at, 'UTC')";
const KEY_NAME = '(select name from api_keys k where k.user_id = $1 and k.id = u.api_key_id)';

/** Table, columns, grouping and order of each grouping. */
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
    sum(u.duration_ms) as duration_ms, sum(u.bytes_in)::float8 as bytes_in, sum(u.bytes_out)::float8 as bytes_out, sum(u.units)::float8 as quota_units,
    coalesce(sum(u.tokens), 0)::float8 as tokens`,
  usage_events: `count(*)::float8 as calls, (count(*) filter (where u.billable))::float8 as billable,
    (count(*) filter (where u.status >= 400))::float8 as errors, sum(u.duration_ms::float8) as duration_ms,
    sum(u.bytes_in)::float8 as bytes_in, sum(u.bytes_out)::float8 as bytes_out, sum(u.units)::float8 as quota_units,
    coalesce(sum(u.tokens), 0)::float8 as tokens`,
};

/** Sums the tenant's usage from `from` to `to` (UTC days, inclusive), newest or most requested first. */
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
    text: `select ${columns}, ${SUMS[table]}
      from ${table} u
      where u.user_id = $1 and u.day between $2 and $3
      group by ${by}
      order by ${order}`,
    values: [userId, from, to],
  });
  return result.rows;
}
