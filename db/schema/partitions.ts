import { exactlyOne, type Sql } from '../client/sql.ts';

/** Number of future days for which `usage_events` has a partition. */
export const PARTITION_DAYS_AHEAD = 30;

/**
 * Creates the missing partitions of `usage_events` from yesterday to `daysAhead` days ahead, and moves rows from the
 * default partition into them. Returns the number of partitions created. Each gets row-level security of its own, since
 * partitions do not inherit it. Safe in concurrent processes.
 * @param sql as the role that owns the tables
 */
export async function ensurePartitions(sql: Sql, daysAhead = PARTITION_DAYS_AHEAD): Promise<number> {
  const result = await sql.query<{ created: number }>({
    text: `select ensure_usage_partitions(
        (now() at time zone 'utc')::date - 1,
        (now() at time zone 'utc')::date + ${Math.trunc(daysAhead)}
      ) as created`,
  });
  return exactlyOne(result).created;
}

/**
 * Drops the oldest partition of days before `before`, with its events. Returns its name, or null when there is none or
 * the table's lock was not free in time.
 * @param sql as the role that owns the tables, in a transaction of its own
 */
export async function dropOldPartition(sql: Sql, before: string): Promise<string | null> {
  const result = await sql.query<{ part: string | null }>({
    text: 'select drop_usage_partition($1) as part',
    values: [before],
  });
  return exactlyOne(result).part;
}

/**
 * Deletes the default partition's events of days before `before`. Returns their number.
 * @param sql as the role that owns the tables
 */
export async function deleteStrayEvents(sql: Sql, before: string): Promise<number> {
  const result = await sql.query({ text: 'delete from usage_events_default where day < $1', values: [before] });
  return result.rowCount ?? 0;
}
