import type { Sql } from '../../client/sql.ts';

export interface AdjacentMemory {
  id: string;
  adjacent_id: string;
  /** Turns from the memory to the adjacent one: -2 and -1 for those before, 1 and 2 for those after. */
  distance: number;
}

/** Finds the memories up to two turns before and after each memory in its session, ordered by the time that they are about. */
export async function findAdjacentMemories(
  sql: Sql,
  userId: string,
  ids: readonly string[],
): Promise<AdjacentMemory[]> {
  const side = (operator: '<' | '>', order: 'asc' | 'desc') => `(
      select n.id, ${operator === '<' ? '-' : ''}row_number() over (order by coalesce(n.occurred_at, n.created_at) ${order}, n.id ${order}) as distance
      from memories n
      where n.user_id = m.user_id and n.session_id = m.session_id
        and (coalesce(n.occurred_at, n.created_at), n.id) ${operator} (coalesce(m.occurred_at, m.created_at), m.id)
      order by coalesce(n.occurred_at, n.created_at) ${order}, n.id ${order} limit 2)`;
  const result = await sql.query<{ id: string; adjacent_id: string; distance: string }>({
    name: 'find_adjacent_memories',
    text: `select m.id, n.id as adjacent_id, n.distance from memories m,
        lateral (${side('<', 'desc')} union all ${side('>', 'asc')}) n
      where m.user_id = $1 and m.id = any ($2) and m.session_id is not null`,
    values: [userId, ids],
  });
  return result.rows.map((row) => ({ ...row, distance: Number(row.distance) }));
}
