import type { Sql } from '../../client/sql.ts';
import type { Transport } from './events.ts';

/*
 * Consistency checks of `npm run chaos`. Each statement sees one snapshot. Runs as admin.
 */

/** The fields of a usage event that are compared with a client's log. */
export interface RecordedEvent {
  id: string;
  transport: Transport;
  operation: string;
  status: number;
  units: number;
}

/** Lists all usage events of a user. An id that was recorded on two days appears twice. */
export async function listEvents(sql: Sql, userId: string): Promise<RecordedEvent[]> {
  const result = await sql.query<RecordedEvent>({
    text: 'select id, transport, operation, status, units from usage_events where user_id = $1',
    values: [userId],
  });
  return result.rows;
}

/** Lists the daily totals that differ from the sums of the user's events, as `day transport operation`. */
export async function listDailyDifferences(sql: Sql, userId: string): Promise<string[]> {
  const result = await sql.query<{ name: string }>({
    text: `with counted as (
        select
          day,
          transport,
          operation,
          count(*) as calls,
          count(*) filter (where billable) as billable,
          count(*) filter (where status >= 400) as errors,
          sum(bytes_in) as bytes_in,
          sum(bytes_out) as bytes_out,
          sum(units) as units,
          coalesce(sum(tokens), 0) as tokens
        from usage_events
        where user_id = $1
        group by day, transport, operation
      ), stored as (
        select
          day,
          transport,
          operation,
          sum(calls) as calls,
          sum(billable) as billable,
          sum(errors) as errors,
          sum(bytes_in) as bytes_in,
          sum(bytes_out) as bytes_out,
          sum(units) as units,
          sum(tokens) as tokens
        from usage_daily
        where user_id = $1
        group by day, transport, operation
      )
      select distinct concat_ws(' ', day, transport, operation) as name
      from (
        (select * from counted except select * from stored)
        union all
        (select * from stored except select * from counted)
      ) different
      order by name`,
    values: [userId],
  });
  return result.rows.map(({ name }) => name);
}

/** Counts a user's memories, their distinct titles, and their changes. */
export async function countStored(
  sql: Sql,
  userId: string,
): Promise<{ memories: number; titles: number; changes: number }> {
  const result = await sql.query<{ memories: number; titles: number; changes: number }>({
    text: `select
        count(*)::int as memories,
        count(distinct title)::int as titles,
        coalesce(sum(version - 1), 0)::int as changes
      from memories
      where user_id = $1`,
    values: [userId],
  });
  return result.rows[0] ?? { memories: 0, titles: 0, changes: 0 };
}

/** Lists the ids of a user's memories that have no vectors and are not queued for embedding. */
export async function listMissingFromEmbeddingQueue(sql: Sql, userId: string): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    text: `select id
      from memories m
      where user_id = $1
      and not exists (select 1 from memory_vectors v where v.user_id = m.user_id and v.memory_id = m.id)
      and not exists (select 1 from embedding_queue q where q.user_id = m.user_id and q.memory_id = m.id)`,
    values: [userId],
  });
  return result.rows.map(({ id }) => id);
}
