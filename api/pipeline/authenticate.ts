import { type KeyOwnerRow, touchKey } from '../../db/queries/accounts/api-keys.ts';
import type { Transport } from '../../db/queries/usage/events.ts';
import type { Caller } from '../context.ts';
import type { Scope } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { hashKey } from '../keys/key-format.ts';
import { limitsOf } from '../limits/plans.ts';
import { type Credentials, INVALID_KEY, readKey, unauthenticated } from './credentials.ts';
import type { PipelineDependencies } from './dependencies.ts';

const TOUCH_EVERY_MS = 60_000;

/**
 * Resolves credentials to a caller. A malformed or mistyped key is rejected by its checksum, without a query. Requests without a valid key are limited by client IP, before any query of their own; a
 * valid key is never rejected for the bad keys of others behind its IP.
 * @throws Problem `unauthenticated`, `key_expired`, `rate_limited`
 */
export async function authenticate(
  pipeline: Pick<PipelineDependencies, 'database' | 'keys' | 'keyCheckQueue' | 'ipLimiter' | 'now'>,
  credentials: Credentials,
  transport: Transport,
  onTouchError: (error: unknown) => void,
): Promise<Caller> {
  const owner = await ownerOf(pipeline, credentials);
  const now = pipeline.now();
  if (!owner.last_used_at || now.getTime() - owner.last_used_at.getTime() >= TOUCH_EVERY_MS) {
    // The row may be cached: the next call must not write again.
    owner.last_used_at = now;
    // Not awaited: the time of the last use is informative only.
    touchKey(pipeline.database.owner, owner.user_id, owner.key_id, now).catch(onTouchError);
  }
  return {
    userId: owner.user_id,
    keyId: owner.key_id,
    sessionId: null,
    isOperator: false,
    scopes: owner.scopes as Scope[],
    plan: owner.plan,
    status: owner.status,
    limits: limitsOf(owner.plan, owner.overrides),
    keyRequestsPerMinute: owner.rpm_limit,
    projects: owner.projects,
    transport,
  };
}

async function ownerOf(
  { keys, keyCheckQueue, ipLimiter, now }: Pick<PipelineDependencies, 'keys' | 'keyCheckQueue' | 'ipLimiter' | 'now'>,
  credentials: Credentials,
): Promise<KeyOwnerRow> {
  let key: string;
  try {
    key = readKey(credentials);
  } catch (error) {
    await ipLimiter.consume(credentials.address);
    throw error;
  }
  const hash = hashKey(key);
  const find = async () => {
    const owner = await keys.find(hash);
    const problem = rejectionOf(owner, now());
    if (owner && !problem) return owner;
    keys.forget(hash);
    throw problem;
  };
  if (keys.knows(hash)) return find();
  try {
    return await ipLimiter.attempt(credentials.address, find);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'rate_limited') throw error;
    // Other callers of this IP used up its limit, if this key is valid.
    if (!(await keyCheckQueue.isValid(hash, credentials.address))) throw error;
    return find();
  }
}

/** Returns why a key cannot be used; undefined if it can. */
function rejectionOf(owner: KeyOwnerRow | undefined, now: Date): Problem | undefined {
  if (owner && owner.client_id !== null) return tokenRejectionOf(owner, now);
  if (!owner || owner.status === 'deleted') {
    return unauthenticated(
      'No account of this service has this API key. It may have been deleted, or belong to another installation.',
    );
  }
  if (owner.revoked_at !== null) return unauthenticated('This API key was revoked. Use another key.');
  if (owner.expires_at === null || owner.expires_at > now) return undefined;
  return new Problem('key_expired', { headers: { 'WWW-Authenticate': INVALID_KEY } });
}

/** Returns why an access token cannot be used; undefined if it can. */
function tokenRejectionOf({ status, revoked_at, expires_at }: KeyOwnerRow, now: Date): Problem | undefined {
  if (status === 'deleted' || revoked_at !== null) {
    return unauthenticated('The access of this app was ended. Connect it again in the app.');
  }
  if (expires_at === null || expires_at > now) return undefined;
  return unauthenticated('This access token has expired. Get another with the refresh token.');
}
