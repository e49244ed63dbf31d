import type { Sql } from '../../client/sql.ts';
import { notifyAccountChanged } from './change-notifications.ts';

interface BoundKeyRow {
  id: string;
  name: string;
  last4: string;
  projects: string[];
}

/** Lists the tenant's keys that are bound to a project and not revoked, and locks them. */
export async function listKeysOfProject(sql: Sql, userId: string, project: string): Promise<BoundKeyRow[]> {
  const result = await sql.query<BoundKeyRow>({
    text: `select id, name, last4, projects
      from api_keys
      where user_id = $1 and projects @> array[$2::text] and revoked_at is null
      order by id
      for update`,
    values: [userId, project],
  });
  return result.rows;
}

/** Adds a project to keys that lack it. */
export async function addKeyProject(sql: Sql, userId: string, ids: readonly string[], project: string): Promise<void> {
  await sql.query({
    text: `update api_keys
      set projects = projects || $3::text
      where user_id = $1 and id = any ($2) and not projects @> array[$3::text]
      returning ${notifyAccountChanged('user_id')}`,
    values: [userId, ids, project],
  });
}

/** Removes a project from keys that have others. */
export async function removeKeyProject(
  sql: Sql,
  userId: string,
  ids: readonly string[],
  project: string,
): Promise<void> {
  await sql.query({
    text: `update api_keys
      set projects = array_remove(projects, $3::text)
      where user_id = $1 and id = any ($2) and cardinality(projects) > 1
      returning ${notifyAccountChanged('user_id')}`,
    values: [userId, ids, project],
  });
}
