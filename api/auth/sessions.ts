import type { Sql } from '../../db/client/sql.ts';
import {
  deleteOldSessions,
  deleteSession,
  findSession,
  insertSession,
  type SessionRow,
  updateSession,
} from '../../db/queries/accounts/sessions.ts';
import type { RequestContext } from '../context.ts';
import { hashToken, newToken } from '../keys/secret-token.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';

/** Days that a session lasts after its last request. */
export const SESSION_DAYS = 30;

const SEEN_EVERY_MS = MINUTE_MS;

type SessionContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/** A signed-in browser's user. */
interface Session {
  userId: string;
  /** True when the expiry was extended by this request, so that the cookie must be sent again. */
  extended: boolean;
}

/**
 * Signs a browser in and returns the cookie's value. The value is always new (against session fixation), and the browser's former
 * session ends. Only its hash is stored.
 * @param context `sql` is a transaction of the database owner
 */
export async function openSession(
  context: SessionContext,
  userId: string,
  former: string | undefined,
): Promise<string> {
  if (former) await deleteSession(context.sql, hashToken(former));
  const token = newToken();
  const now = context.now();
  const session = {
    user_id: userId,
    id: context.newId(),
    created_at: now,
    last_seen_at: now,
    expires_at: expiryFrom(now),
  };
  await insertSession(context.sql, session, hashToken(token));
  return token;
}

/**
 * Resolves a session cookie to its user and extends the session; undefined when it has expired or the account is closed. Runs as
 * the database owner.
 */
export async function readSession(
  context: Pick<RequestContext, 'sql' | 'now'>,
  token: string,
): Promise<Session | undefined> {
  const session = await findSession(context.sql, hashToken(token));
  const now = context.now();
  if (!session || session.expires_at <= now) return undefined;
  if (session.status !== 'active' && session.status !== 'read_only') return undefined;
  return { userId: session.user_id, extended: await extend(context.sql, session, now) };
}

/** Ends a session. Runs as the database owner. */
export function closeSession(sql: Sql, token: string): Promise<void> {
  return deleteSession(sql, hashToken(token));
}

/** Deletes expired sessions and returns their number. Runs as the database owner. */
export function deleteExpiredSessions(sql: Sql, now: Date): Promise<number> {
  return deleteOldSessions(sql, now);
}

async function extend(sql: Sql, session: SessionRow, now: Date): Promise<boolean> {
  if (now.getTime() - session.last_seen_at.getTime() < SEEN_EVERY_MS) return false;
  await updateSession(sql, { ...session, last_seen_at: now, expires_at: expiryFrom(now) });
  return true;
}

function expiryFrom(now: Date): Date {
  return new Date(now.getTime() + SESSION_DAYS * DAY_MS);
}
