import type { Sql } from '../../client/sql.ts';
import { notifyAccountChanged } from './change-notifications.ts';

/** The access that a person granted to an app by OAuth: a row of `api_keys`. */
export interface AppRow {
  id: string;
  name: string;
  client_id: string;
  /** Where the app receives its codes: a host, or the scheme of a program. */
  client_host: string;
  scopes: string[];
  /** Projects that it is bound to; null for all. */
  projects: string[] | null;
  expires_at: Date;
  last_used_at: Date | null;
  created_at: Date;
}

const COLUMNS = 'id, name, client_id, client_host, scopes, projects, expires_at, last_used_at, created_at';

/** Stores the access of an app. */
export async function insertApp(sql: Sql, userId: string, app: AppRow): Promise<void> {
  await sql.query({
    text: `insert into api_keys (user_id, ${COLUMNS}, prefix, last4)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '')`,
    values: [
      userId,
      app.id,
      app.name,
      app.client_id,
      app.client_host,
      app.scopes,
      app.projects,
      app.expires_at,
      app.last_used_at,
      app.created_at,
    ],
  });
}

/** Lists at most `limit` apps of the tenant whose access neither ended nor was revoked, newest first. */
export async function listApps(sql: Sql, userId: string, now: Date, limit: number): Promise<AppRow[]> {
  const result = await sql.query<AppRow>({
    text: `select ${COLUMNS}
      from api_keys
      where user_id = $1
        and client_id is not null
        and revoked_at is null
        and expires_at > $2
      order by created_at desc, id desc
      limit $3`,
    values: [userId, now, limit],
  });
  return result.rows;
}

/** Revokes the access of an app and returns it; undefined if there was none that had not been revoked. */
export async function revokeApp(sql: Sql, userId: string, id: string, now: Date): Promise<AppRow | undefined> {
  const result = await sql.query<AppRow>({
    text: `update api_keys
      set revoked_at = $3
      where user_id = $1
        and id = $2
        and client_id is not null
        and revoked_at is null
      returning ${notifyAccountChanged('user_id')}, ${COLUMNS}`,
    values: [userId, id, now],
  });
  return result.rows[0];
}

/** Returns the user of an app's access; undefined if there is none with this id. Runs as the database owner. */
export async function findAppOwner(sql: Sql, id: string): Promise<string | undefined> {
  const result = await sql.query<{ user_id: string }>({
    text: 'select user_id from api_keys where id = $1 and client_id is not null',
    values: [id],
  });
  return result.rows[0]?.user_id;
}
