import type { Sql } from '../../client/sql.ts';
import type { UserStatus } from './users.ts';

/** A browser session. The value of its cookie is not stored. */
export interface SessionRow {
  user_id: string;
  id: string;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
}

/** Stores a session and the hash of its cookie. Runs as the database owner. */
export async function insertSession(sql: Sql, session: SessionRow, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: 'insert into sessions (user_id, id, created_at, last_seen_at, expires_at) values ($1, $2, $3, $4, $5)',
    values: [session.user_id, session.id, session.created_at, session.last_seen_at, session.expires_at],
  });
  await sql.query({
    text: 'insert into session_lookup (token_hash, user_id, session_id) values ($1, $2, $3)',
    values: [tokenHash, session.user_id, session.id],
  });
}

/** Returns the session of a cookie's SHA-256, also an expired one, with its user's status. Runs as the database owner. */
export async function findSession(
  sql: Sql,
  tokenHash: Buffer,
): Promise<(SessionRow & { status: UserStatus }) | undefined> {
  const result = await sql.query<SessionRow & { status: UserStatus }>({
    name: 'find_session',
    text: `select s.user_id, s.id, s.created_at, s.last_seen_at, s.expires_at, u.status
      from session_lookup l
      join sessions s on s.user_id = l.user_id and s.id = l.session_id
      join users u on u.id = s.user_id
      where l.token_hash = $1`,
    values: [tokenHash],
  });
  return result.rows[0];
}

/** Records the last use of a session and its new expiry. Runs as the database owner. */
export async function updateSession(sql: Sql, session: SessionRow): Promise<void> {
  await sql.query({
    name: 'update_session',
    text: 'update sessions set last_seen_at = $3, expires_at = $4 where user_id = $1 and id = $2',
    values: [session.user_id, session.id, session.last_seen_at, session.expires_at],
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

/** Deletes the sessions that expired before a time and returns their number. Runs as the database owner. */
export async function deleteOldSessions(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({ text: 'delete from sessions where expires_at < $1', values: [expiredBefore] });
  return result.rowCount ?? 0;
}

/** Deletes all sessions of a user. */
export async function deleteSessionsOf(sql: Sql, userId: string): Promise<void> {
  await sql.query({ text: 'delete from sessions where user_id = $1', values: [userId] });
}
