import type { Sql } from '../../db/client/sql.ts';
import { acceptTerms } from '../../db/queries/accounts/accepted-terms.ts';
import {
  deleteExcessSessions,
  deleteOldSessions,
  deleteSession,
  findSession,
  insertSession,
  type SessionOwnerRow,
  updateSession,
} from '../../db/queries/accounts/sessions.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { hashToken, newToken } from '../keys/secret-token.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { TERMS_CHANGED_AT, TERMS_VERSION } from '../version.ts';

/** Days that a session lasts after its last request. */
export const SESSION_DAYS = 30;
/** Days after which a session ends, however often it is used. */
export const SESSION_DAYS_MAX = 90;
/** Sessions of an account. A sign-in beyond that ends the one that was not used for the longest time. */
export const SESSIONS_MAX = 20;

const SEEN_EVERY_MS = MINUTE_MS;

type SessionContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/** The browser that signs in. */
export interface SignInBrowser {
  /** The cookie of its former session. */
  formerSession: string | undefined;
  /** As the list of sessions names it. */
  label: string;
}

/** A cookie to set. */
export interface Cookie {
  value: string;
  maxAgeMs: number;
}

/** A signed-in browser's session with its user. */
interface Session extends SessionOwnerRow {
  /** The cookie to send again, when this request moved the expiry. */
  extended: Cookie | undefined;
}

/**
 * Signs a browser in and returns its cookie. The value is always new (against session fixation), and the browser's former
 * session ends. Only its hash is stored. The sign-in accepts the legal texts, as its pages say.
 * @param context `sql` is a transaction of the database owner
 * @param method how the person signed in, for the audit log
 */
export async function openSession(
  context: SessionContext,
  userId: string,
  { formerSession, label }: SignInBrowser,
  method: 'whop' | 'email' | 'local',
): Promise<Cookie> {
  if (formerSession) await deleteSession(context.sql, hashToken(formerSession));
  const token = newToken();
  const now = context.now();
  const session = {
    user_id: userId,
    id: context.newId(),
    created_at: now,
    last_seen_at: now,
    expires_at: expiryOf({ created_at: now }, now),
    label,
  };
  await insertSession(context.sql, session, hashToken(token));
  await deleteExcessSessions(context.sql, userId, SESSIONS_MAX);
  await acceptTerms(context.sql, userId, TERMS_VERSION, now);
  const actor = `session:${session.id}`;
  await audit(context, userId, { actor, action: 'sessions.create', target: session.id, details: { method, label } });
  return { value: token, maxAgeMs: session.expires_at.getTime() - now.getTime() };
}

/**
 * Resolves a session cookie to its session and user, and extends the session; undefined when it has ended, the account is deleted, or the
 * legal texts have changed since.
 * Runs as the database owner.
 */
export async function readSession(
  context: Pick<RequestContext, 'sql' | 'now'>,
  token: string,
): Promise<Session | undefined> {
  const session = await findSession(context.sql, hashToken(token));
  const now = context.now();
  if (!session || session.expires_at <= now || session.status === 'deleted') return undefined;
  if (session.created_at < TERMS_CHANGED_AT) return undefined;
  return { ...session, extended: await extend(context.sql, session, now, token) };
}

/** Ends a session. Runs as the database owner. */
export function closeSession(sql: Sql, token: string): Promise<void> {
  return deleteSession(sql, hashToken(token));
}

/** Deletes expired sessions and returns their number. Runs as the database owner. */
export function deleteExpiredSessions(sql: Sql, now: Date): Promise<number> {
  return deleteOldSessions(sql, now);
}

async function extend(sql: Sql, session: SessionOwnerRow, now: Date, token: string): Promise<Cookie | undefined> {
  if (now.getTime() - session.last_seen_at.getTime() < SEEN_EVERY_MS) return undefined;
  const expires_at = expiryOf(session, now);
  await updateSession(sql, { ...session, last_seen_at: now, expires_at });
  return { value: token, maxAgeMs: expires_at.getTime() - now.getTime() };
}

/** Returns when a session ends that is used now. */
function expiryOf({ created_at }: Pick<SessionOwnerRow, 'created_at'>, now: Date): Date {
  return new Date(Math.min(now.getTime() + SESSION_DAYS * DAY_MS, created_at.getTime() + SESSION_DAYS_MAX * DAY_MS));
}
