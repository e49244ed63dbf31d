import type { Sql } from '../../client/sql.ts';

/** A UTC day in which the service worked. */
export interface ServiceDayRow {
  day: string;
  /** Minutes in which it worked. */
  minutes: number;
  first_minute: Date;
  last_minute: Date;
}

/** Counts a minute in which the service works, once. Runs as the database owner. */
export async function recordServiceMinute(sql: Sql, day: string, minute: Date): Promise<void> {
  await sql.query({
    text: `insert into service_days as d (day, minutes, first_minute, last_minute)
      values ($1, 1, $2, $2)
      on conflict (day) do update
      set minutes = d.minutes + 1, last_minute = excluded.last_minute
      where d.last_minute < excluded.last_minute`,
    values: [day, minute],
  });
}

/** Lists the days from one on, newest first. Runs as the database owner. */
export async function listServiceDays(sql: Sql, from: string): Promise<ServiceDayRow[]> {
  const result = await sql.query<ServiceDayRow>({
    text: `select to_char(day, 'YYYY-MM-DD') as day, minutes, first_minute, last_minute
      from service_days
      where day >= $1
      order by service_days.day desc`,
    values: [from],
  });
  return result.rows;
}

/** Deletes the days before one. Runs as the database owner. */
export async function deleteOldServiceDays(sql: Sql, before: string): Promise<void> {
  await sql.query({ text: 'delete from service_days where day < $1', values: [before] });
}
