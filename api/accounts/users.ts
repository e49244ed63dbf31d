import type { KeyRow } from '../../db/queries/accounts/api-keys.ts';
import { insertUser, type PlanName } from '../../db/queries/accounts/users.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { SCOPES } from '../contracts/operation.ts';
import { issueKey } from '../keys/keys.ts';

/**
 * Adds a user with one key that has all scopes. Only the result contains the key itself.
 * @param context `sql` is a transaction of the database owner
 */
export async function createUser(
  context: RequestContext,
  wanted: { email: string | null; plan: PlanName; keyName: string; keyEnvironment: string; actor: string },
): Promise<{ userId: string; apiKey: string; key: KeyRow }> {
  const now = context.now();
  const userId = context.newId();
  await insertUser(context.sql, {
    id: userId,
    email: wanted.email,
    plan: wanted.plan,
    status: 'active',
    overrides: {},
    created_at: now,
  });
  const { apiKey, key } = await issueKey(context, userId, {
    name: wanted.keyName,
    scopes: [...SCOPES],
    projects: null,
    expiresAt: null,
    rpmLimit: null,
    environment: wanted.keyEnvironment,
  });
  await audit(context, userId, { actor: wanted.actor, action: 'users.create' });
  return { userId, apiKey, key };
}

/**
 * Adds a user on the free plan, without a key, for a person who signs in with this address for the first time. Returns the user's id.
 * @param context `sql` is a transaction of the database owner
 */
export async function createFreeUser(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  email: string,
): Promise<string> {
  const id = context.newId();
  const created_at = context.now();
  await insertUser(context.sql, { id, email, plan: 'free', status: 'active', overrides: {}, created_at });
  await audit(context, id, { actor: 'sign-up', action: 'users.create', target: id });
  return id;
}
