import { exactlyOne, type Sql } from '../client/sql.ts';

/** Days of `usage_events` that have a partition of their own before they come. */
export const PARTITION_DAYS_AHEAD = 30;

/**
 * Makes the missing partitions of `usage_events` from yesterday to `daysAhead` days ahead, moving rows that the default
 * partition caught meanwhile into them. Answers how many it made. A partition does not inherit row-level security,
 * so each gets its own. Run as the owner; safe when several processes do so at once.
 */
export async function ensurePartitions(sql: Sql, daysAhead = PARTITION_DAYS_AHEAD): Promise<number> {
  const result = await sql.query<{ made: number }>({
    text: `select ensure_usage_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + ${Math.trunc(daysAhead)}) as made`,
  });
  return exactlyOne(result).made;
}

/**
 * Drops the oldest partition of days before `before`, with its events. Answers its name; null when there is none, or when
 * calls under way did not let go of the table soon enough. As the owner, in a transaction of its own.
 */
export async function dropOldPartition(sql: Sql, before: string): Promise<string | null> {
  const result = await sql.query<{ part: string | null }>({
    text: 'select drop_usage_partition($1) as part',
    values: [before],
  });
  return exactlyOne(result).part;
}

/** Deletes the events of days before `before` that the default partition caught. Answers how many. As the owner. */
export async function deleteStrayEvents(sql: Sql, before: string): Promise<number> {
  const result = await sql.query({ text: 'delete from usage_events_default where day < $1', values: [before] });
  return result.rowCount ?? 0;
}
