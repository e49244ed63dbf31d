import type { Sql } from '../../client/sql.ts';

interface ProjectRow {
  /** Null for the memories of no project. */
  name: string | null;
  active: number;
  archived: number;
  /** Size of the memories, without their former versions. */
  bytes: number;
  updated_at: Date;
}

/** Lists the tenant's projects, those with most memories first, then by name. */
export async function listProjects(sql: Sql, userId: string, limit: number, offset: number): Promise<ProjectRow[]> {
  const result = await sql.query<ProjectRow>({
    name: 'list_projects',
    text: `select project as name,
        (count(*) filter (where status = 'active'))::integer as active,
        (count(*) filter (where status = 'archived'))::integer as archived,
        sum(size_bytes)::float8 as bytes,
        max(updated_at) as updated_at
      from memories
      where user_id = $1
      group by project
      order by count(*) desc, project collate "C"
      limit $2
      offset $3`,
    values: [userId, limit, offset],
  });
  return result.rows;
}

/** Counts the tenant's projects; the memories of no project count as one. */
export async function countProjects(sql: Sql, userId: string): Promise<number> {
  const result = await sql.query<{ count: number }>({
    name: 'count_projects',
    text: `select count(*)::integer as count
      from (
        select project
        from memories
        where user_id = $1
        group by project
      ) p`,
    values: [userId],
  });
  return result.rows[0]?.count ?? 0;
}
