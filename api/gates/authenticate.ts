import { type KeyOwnerRow, keyOwnerStatement, touchKey } from '../../db/api-keys.ts';
import type { Database } from '../../db/connect.ts';
import type { Door } from '../../db/usage.ts';
import { hashKey, isWellFormedKey } from '../account/key-format.ts';
import { limitsOf } from '../account/plans.ts';
import type { Scope } from '../contracts/operation.ts';
import type { Caller } from '../domain.ts';
import { Problem } from '../errors.ts';

const TOUCH_EVERY_MS = 60_000;

export interface Credentials {
  authorization?: string | undefined;
  apiKey?: string | undefined;
}

/**
 * Turns presented credentials into a caller. A malformed or mistyped key is refused by its checksum, without a query;
 * unknown and revoked ones get the very same answer.
 * @throws Problem `unauthenticated`, `key_expired`
 */
export async function authenticate(
  database: Database,
  credentials: Credentials,
  door: Door,
  now: Date,
  onTouchError: (error: unknown) => void,
): Promise<Caller> {
  const key = presentedKey(credentials);
  if (!key || !isWellFormedKey(key)) throw unauthenticated();
  const [owner] = await database.lookup<KeyOwnerRow>(keyOwnerStatement(hashKey(key)));
  if (!owner || owner.revoked_at || owner.status === 'deleted') throw unauthenticated();
  if (owner.expires_at && owner.expires_at <= now) {
    throw new Problem('key_expired', { headers: { 'WWW-Authenticate': CHALLENGE } });
  }
  if (!owner.last_used_at || now.getTime() - owner.last_used_at.getTime() >= TOUCH_EVERY_MS) {
    // Not waited for: when a key was last used is news, not a promise.
    touchKey(database.owner, owner.user_id, owner.key_id, now).catch(onTouchError);
  }
  return {
    userId: owner.user_id,
    keyId: owner.key_id,
    scopes: owner.scopes as Scope[],
    plan: owner.plan,
    status: owner.status,
    limits: limitsOf(owner.plan, owner.overrides),
    keyRequestsPerMinute: owner.rpm_limit,
    door,
  };
}

const CHALLENGE = 'Bearer realm="whitemagic", error="invalid_token"';

function unauthenticated(): Problem {
  return new Problem('unauthenticated', { headers: { 'WWW-Authenticate': CHALLENGE } });
}

function presentedKey({ authorization, apiKey }: Credentials): string | undefined {
  const bearer = authorization && /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  return bearer || apiKey?.trim() || undefined;
}
