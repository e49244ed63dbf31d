import type { Sql } from '../../client/sql.ts';
import { countRangesSql, durationRangeSql } from './durations.ts';
import type { UsageFilter, UsageSumRow } from './totals.ts';

/** `date_bin` takes a third of the time of `date_trunc`, which looks up the time zone for each row. */
const HOUR = "date_bin('1 hour', u.at, '2000-01-01T00:00:00Z'::timestamptz)";

/**
 * Sums the tenant's single calls by UTC hour, from `from` to `to` (UTC days, inclusive), newest first. The inner query
 * counts by hour and range of durations, so that a call costs one lookup of its range instead of a test of each.
 */
export async function sumUsageByHour(
  sql: Sql,
  userId: string,
  from: string,
  to: string,
  filter: UsageFilter = {},
): Promise<UsageSumRow[]> {
  const result = await sql.query<UsageSumRow>({
    name: 'sum_usage_by_hour',
    text: `with counted as (
        select
          ${HOUR} as hour,
          ${durationRangeSql('u.duration_ms')} as range,
          count(*) as calls,
          count(*) filter (where u.billable) as billable,
          count(*) filter (where u.status >= 400) as errors,
          sum(u.duration_ms::float8) as duration_ms,
          sum(u.bytes_in) as bytes_in,
          sum(u.bytes_out) as bytes_out,
          sum(u.units) as units,
          sum(u.tokens) as tokens
        from usage_events u
        where u.user_id = $1
          and u.day between $2 and $3
          and ($4::uuid is null or u.api_key_id = $4)
          and ($5::text is null or split_part(u.client, '/', 1) = $5)
          and case when $6::text is null then u.transport <> 'dashboard' else u.transport = $6 end
          and ($7::text is null or u.operation = $7)
        group by 1, 2
      )
      select
        hour,
        sum(calls)::float8 as calls,
        sum(billable)::float8 as billable,
        sum(errors)::float8 as errors,
        sum(duration_ms) as duration_ms,
        sum(bytes_in)::float8 as bytes_in,
        sum(bytes_out)::float8 as bytes_out,
        sum(units)::float8 as quota_units,
        coalesce(sum(tokens), 0)::float8 as tokens,
        ${countRangesSql('range', 'calls')} as duration_counts
      from counted
      group by hour
      order by hour desc`,
    values: [userId, from, to, filter.keyId, filter.client, filter.transport, filter.operation],
  });
  return result.rows;
}
