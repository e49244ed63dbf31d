import type pg from 'pg';

/** Counts a user's rows in each table that has any, without partitions and deletion receipts. */
export async function countRows(owner: pg.Pool | pg.Client, userId: string): Promise<Record<string, number>> {
  const { rows } = await owner.query<{ name: string; column: string }>(
    `select c.relname as name, a.attname as column
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
        and not c.relispartition
        and (a.attname = 'user_id' or (c.relname = 'users' and a.attname = 'id'))
        and c.relname <> 'deletion_receipts'
      order by 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name, column } of rows) {
    const counted = await owner.query(`select count(*)::int as count from ${name} where ${column} = $1`, [userId]);
    if (counted.rows[0].count > 0) counts[name] = counted.rows[0].count;
  }
  return counts;
}
