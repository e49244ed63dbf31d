import type { Sql } from '../../client/sql.ts';

/** Lists the active memories that supersede any of these, directly or through others. */
export async function listSuccessors(sql: Sql, userId: string, ids: readonly string[]): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    name: 'list_successors',
    text: `with recursive successor as (
        select id
        from memories
        where user_id = $1 and supersedes = any ($2) and (status = 'active') is true
        union
        select m.id
        from successor s
        join memories m on m.user_id = $1 and m.supersedes = s.id and (m.status = 'active') is true
      )
      select id
      from successor`,
    values: [userId, ids],
  });
  return result.rows.map(({ id }) => id);
}
