import type { Sql } from '../../client/sql.ts';
import type { Transport } from './events.ts';

/** Calls of a key on a UTC day. */
export interface KeyDayRow {
  key_id: string;
  day: string;
  calls: number;
}

/** Sums the calls of each of the tenant's keys by UTC day, from `from` to today. Days without calls have no row. */
export async function sumCallsByKeyAndDay(sql: Sql, userId: string, from: string): Promise<KeyDayRow[]> {
  const result = await sql.query<KeyDayRow>({
    name: 'sum_calls_by_key_and_day',
    text: `select key_id, to_char(day, 'YYYY-MM-DD') as day, sum(calls)::float8 as calls
      from usage_daily
      where user_id = $1 and day >= $2
      group by key_id, usage_daily.day`,
    values: [userId, from],
  });
  return result.rows;
}

/** The last recorded call of a key. */
export interface LastCallRow {
  key_id: string;
  at: Date;
  transport: Transport;
  operation: string;
  /** Name of the client; empty when it did not name itself. */
  client: string;
}

/**
 * Returns the last call of each of the tenant's keys since a UTC day.
 * @param keyId only of this key
 */
export async function findLastCalls(sql: Sql, userId: string, from: string, keyId?: string): Promise<LastCallRow[]> {
  const result = await sql.query<LastCallRow>({
    name: 'find_last_calls',
    text: `select distinct on (key_id) key_id, last_at as at, transport, operation, client
      from usage_daily
      where user_id = $1
        and day >= $2
        and last_at is not null
        and ($3::uuid is null or key_id = $3)
      order by key_id, last_at desc`,
    values: [userId, from, keyId],
  });
  return result.rows;
}
