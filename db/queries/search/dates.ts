import type { Sql } from '../../client/sql.ts';
import type { Where } from '../memories/where.ts';

/**
 * Returns the ids of the newest memories that were created within a span of time. Memories about another time
 * (`occurred_at`) are left out.
 */
export async function findCreatedWithin(
  sql: Sql,
  where: Where,
  { from, to }: { from: Date; to: Date },
  limit: number,
): Promise<string[]> {
  where
    .and(`created_at >= ${where.value(from)}`)
    .and(`created_at < ${where.value(to)}`)
    .and('occurred_at is null');
  const result = await sql.query<{ id: string }>({
    text: `select id
      from memories
      where ${where.text}
      order by created_at desc, id desc
      limit ${where.value(limit)}`,
    values: where.values,
  });
  return result.rows.map(({ id }) => id);
}
