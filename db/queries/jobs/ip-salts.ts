import type { Sql } from '../../client/sql.ts';

/** The salt of a UTC day. */
export interface IpSaltRow {
  day: string;
  salt: Buffer;
}

/** Stores salts for days that have none, deletes those of days before the first, and returns what is stored. Runs as the database owner. */
export async function renewIpSalts(sql: Sql, [first, second]: readonly [IpSaltRow, IpSaltRow]): Promise<IpSaltRow[]> {
  await sql.query({ text: 'delete from ip_salts where day < $1', values: [first.day] });
  await sql.query({
    text: 'insert into ip_salts (day, salt) values ($1, $2), ($3, $4) on conflict (day) do nothing',
    values: [first.day, first.salt, second.day, second.salt],
  });
  const result = await sql.query<IpSaltRow>({
    text: `select to_char(day, 'YYYY-MM-DD') as day, salt
      from ip_salts`,
  });
  return result.rows;
}
