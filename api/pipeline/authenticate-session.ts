import { type Cookie, readSession } from '../auth/sessions.ts';
import type { Caller } from '../context.ts';
import { SCOPES } from '../contracts/operation.ts';
import { limitsOf } from '../limits/plans.ts';
import { NO_CREDENTIALS, unauthenticated } from './credentials.ts';
import type { PipelineDependencies } from './dependencies.ts';

const ENDED = 'Your session has ended. Sign in again at /login.';

/**
 * Resolves a session cookie to a caller of the transport `dashboard`, who has every scope. The session is read from the database each
 * time, so one that was ended in another browser ends at once. Cookies without a session are limited by client IP.
 * @returns the caller, and the cookie to send again when the session was extended
 * @throws Problem `unauthenticated`, `rate_limited`
 */
export async function authenticateSession(
  { database, ipLimiter, now }: Pick<PipelineDependencies, 'database' | 'ipLimiter' | 'now'>,
  token: string,
  address: string,
): Promise<{ caller: Caller; extended: Cookie | undefined }> {
  const read = async () => {
    const session = await readSession({ sql: database.owner, now }, token);
    if (!session) throw unauthenticated(ENDED, NO_CREDENTIALS);
    return session;
  };
  const session = await ipLimiter.attempt(address, read, { purpose: 'session' });
  const caller: Caller = {
    userId: session.user_id,
    keyId: null,
    sessionId: session.id,
    scopes: SCOPES,
    plan: session.plan,
    status: session.status,
    limits: limitsOf(session.plan, session.overrides),
    keyRequestsPerMinute: null,
    projects: null,
    transport: 'dashboard',
    isOperator: session.is_operator,
  };
  return { caller, extended: session.extended };
}
