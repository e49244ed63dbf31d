import { exactlyOne, type Sql } from '../../client/sql.ts';
import { sumDurationCountsSql } from './durations.ts';
import { NO_KEY, type Transport } from './events.ts';

/** Grouping of usage. `endpoint` groups by day, transport and operation, like the daily totals. */
export type UsageGroup = 'endpoint' | 'day' | 'operation' | 'transport' | 'hour' | 'month' | 'key' | 'client';

/** A grouping of the daily totals. Hours are summed from single calls. */
type DailyGroup = Exclude<UsageGroup, 'hour'>;

/** Totals of a group. Of the first seven fields it has those that it is grouped by. */
export interface UsageSumRow {
  day?: string;
  /** UTC, `YYYY-MM`. */
  month?: string;
  hour?: Date;
  transport?: Transport;
  operation?: string;
  /** Null for requests with a deleted key. */
  key_id?: string | null;
  key_name?: string | null;
  /** Name of the client without its version; null for calls that named none. */
  client?: string | null;
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
  /** Number of calls in each range of durations; of calls before they were counted there are none. */
  duration_counts: number[];
}

/** Which calls are summed. Undefined fields do not filter. */
export interface UsageFilter {
  keyId?: string | undefined;
  client?: string | undefined;
  /** Undefined: every transport but that of the dashboard. */
  transport?: Transport | undefined;
  operation?: string | undefined;
}

const DAY = "to_char(u.day, 'YYYY-MM-DD')";
const MONTH = "to_char(u.day, 'YYYY-MM')";
const KEY_NAME = '(select name from api_keys k where k.user_id = $1 and k.id = u.key_id)';

/** Columns, grouping and order of each grouping. */
const GROUPS: Record<DailyGroup, { columns: string; by: string; order: string }> = {
  endpoint: {
    columns: `${DAY} as day, u.transport, u.operation`,
    by: 'u.day, u.transport, u.operation',
    order: 'u.day desc, calls desc, u.operation, u.transport',
  },
  day: { columns: `${DAY} as day`, by: 'u.day', order: 'u.day desc' },
  month: { columns: `${MONTH} as month`, by: MONTH, order: 'month desc' },
  operation: { columns: 'u.operation', by: 'u.operation', order: 'calls desc, u.operation' },
  transport: { columns: 'u.transport', by: 'u.transport', order: 'calls desc, u.transport' },
  key: {
    columns: `nullif(u.key_id, '${NO_KEY}') as key_id, ${KEY_NAME} as key_name`,
    by: 'u.key_id',
    order: 'calls desc, key_id',
  },
  client: {
    columns: "nullif(u.client, '') as client",
    by: 'u.client',
    order: 'calls desc, client',
  },
};

/** Sums the tenant's daily totals from `from` to `to` (UTC days, inclusive), newest or most requested first. */
export async function sumUsage(
  sql: Sql,
  userId: string,
  from: string,
  to: string,
  group: DailyGroup,
  filter: UsageFilter = {},
): Promise<UsageSumRow[]> {
  const { columns, by, order } = GROUPS[group];
  const result = await sql.query<UsageSumRow>({
    name: `sum_usage_by_${group}`,
    text: `select
        ${columns},
        sum(u.calls)::float8 as calls,
        sum(u.billable)::float8 as billable,
        sum(u.errors)::float8 as errors,
        sum(u.duration_ms) as duration_ms,
        sum(u.bytes_in)::float8 as bytes_in,
        sum(u.bytes_out)::float8 as bytes_out,
        sum(u.units)::float8 as quota_units,
        coalesce(sum(u.tokens), 0)::float8 as tokens,
        ${sumDurationCountsSql('u.duration_counts')} as duration_counts
      from usage_daily u
      where u.user_id = $1
        and u.day between $2 and $3
        and ($4::uuid is null or u.key_id = $4)
        and ($5::text is null or u.client = $5)
        and case when $6::text is null then u.transport <> 'dashboard' else u.transport = $6 end
        and ($7::text is null or u.operation = $7)
      group by ${by}
      order by ${order}`,
    values: [userId, from, to, filter.keyId, filter.client, filter.transport, filter.operation],
  });
  return result.rows;
}

/** Sums the tenant's billable calls since a UTC day. */
export async function sumBillable(sql: Sql, userId: string, from: string): Promise<number> {
  const result = await sql.query<{ billable: number }>({
    name: 'sum_billable',
    text: `select coalesce(sum(billable), 0)::float8 as billable
      from usage_daily
      where user_id = $1 and day >= $2`,
    values: [userId, from],
  });
  return exactlyOne(result).billable;
}
