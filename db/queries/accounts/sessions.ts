import type { Sql } from '../../client/sql.ts';
import type { LimitOverrides, PlanName, UserStatus } from './users.ts';

/** A browser session. The value of its cookie is not stored. */
export interface SessionRow {
  user_id: string;
  id: string;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  /** Browser and system, such as `Firefox on Linux`; empty where they are unknown. */
  label: string;
}

/** A session with its user's plan, status and limits. */
export interface SessionOwnerRow extends SessionRow {
  plan: PlanName;
  status: UserStatus;
  overrides: LimitOverrides;
  is_operator: boolean;
}

const COLUMNS = 'user_id, id, created_at, last_seen_at, expires_at, label';

/** Stores a session and the hash of its cookie. Runs as the database owner. */
export async function insertSession(sql: Sql, session: SessionRow, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: `insert into sessions (${COLUMNS}) values ($1, $2, $3, $4, $5, $6)`,
    values: [session.user_id, session.id, session.created_at, session.last_seen_at, session.expires_at, session.label],
  });
  await sql.query({
    text: 'insert into session_lookup (token_hash, user_id, session_id) values ($1, $2, $3)',
    values: [tokenHash, session.user_id, session.id],
  });
}

/** Returns the session of a cookie's SHA-256, also an expired one, with its user. Runs as the database owner. */
export async function findSession(sql: Sql, tokenHash: Buffer): Promise<SessionOwnerRow | undefined> {
  const result = await sql.query<SessionOwnerRow>({
    name: 'find_session',
    text: `select
        s.user_id,
        s.id,
        s.created_at,
        s.last_seen_at,
        s.expires_at,
        s.label,
        u.plan,
        u.status,
        u.overrides,
        u.is_operator
      from session_lookup l
      join sessions s on s.user_id = l.user_id and s.id = l.session_id
      join users u on u.id = s.user_id
      where l.token_hash = $1`,
    values: [tokenHash],
  });
  return result.rows[0];
}

/** Lists the tenant's sessions that have not expired, the one used last first. */
export async function listSessions(sql: Sql, userId: string, now: Date): Promise<SessionRow[]> {
  const result = await sql.query<SessionRow>({
    text: `select ${COLUMNS}
      from sessions
      where user_id = $1 and expires_at > $2
      order by last_seen_at desc, id desc`,
    values: [userId, now],
  });
  return result.rows;
}

/** Records the last use of a session and its new expiry, and that its user was seen. Runs as the database owner. */
export async function updateSession(
  sql: Sql,
  { user_id, id, last_seen_at, expires_at }: Pick<SessionRow, 'user_id' | 'id' | 'last_seen_at' | 'expires_at'>,
): Promise<void> {
  await sql.query({
    name: 'update_session',
    text: `with seen as (
        update sessions
        set last_seen_at = $3, expires_at = $4
        where user_id = $1 and id = $2
        returning user_id
      )
      update users
      set last_seen_at = $3
      where id in (select user_id from seen)`,
    values: [user_id, id, last_seen_at, expires_at],
  });
}

/** Deletes the session of a cookie's SHA-256, if there is one. Runs as the database owner. */
export async function deleteSession(sql: Sql, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: `delete from sessions s
      using session_lookup l
      where l.token_hash = $1 and s.user_id = l.user_id and s.id = l.session_id`,
    values: [tokenHash],
  });
}

/** Deletes a session of the tenant by its id. Returns whether there was one. */
export async function deleteSessionById(sql: Sql, userId: string, id: string): Promise<boolean> {
  const result = await sql.query({
    text: 'delete from sessions where user_id = $1 and id = $2',
    values: [userId, id],
  });
  return result.rowCount === 1;
}

/** Deletes the sessions that expired before a time and returns their number. Runs as the database owner. */
export async function deleteOldSessions(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({ text: 'delete from sessions where expires_at < $1', values: [expiredBefore] });
  return result.rowCount ?? 0;
}

/** Deletes all sessions of a user but the given one, and returns their number. */
export async function deleteSessionsOf(sql: Sql, userId: string, except: string | null = null): Promise<number> {
  const result = await sql.query({
    text: 'delete from sessions where user_id = $1 and id is distinct from $2',
    values: [userId, except],
  });
  return result.rowCount ?? 0;
}

/** Deletes all sessions of a user but the `kept` that were used last. */
export async function deleteExcessSessions(sql: Sql, userId: string, kept: number): Promise<void> {
  await sql.query({
    text: `delete from sessions
      where user_id = $1
        and id in (
          select id
          from sessions
          where user_id = $1
          order by last_seen_at desc, id desc
          offset $2
        )`,
    values: [userId, kept],
  });
}
