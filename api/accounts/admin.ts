import { findAnyKey, listKeys, updateKey } from '../../db/queries/accounts/api-keys.ts';
import {
  findUser,
  findUsersByEmail,
  type LimitOverrides,
  listUsers,
  type PlanName,
  type UserRow,
  updateOverrides,
  updatePlan,
} from '../../db/queries/accounts/users.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { SCOPES, type Scope } from '../contracts/operation.ts';
import { issueKey } from '../keys/keys.ts';
import { closeAccount, restoreAccount } from './lifecycle.ts';
import { createUser } from './users.ts';

/*
 * What the operator of a service does from its shell. `context.sql` is a transaction of the owner. Refusals are plain Errors:
 * the operator reads them, no client does.
 */

const ACTOR = 'admin';

/** Adds a user with one key of all scopes; the key is in the answer only. */
export async function addUser(
  context: RequestContext,
  wanted: { email: string; plan: PlanName; keyEnvironment: string },
) {
  const made = await createUser(context, { ...wanted, keyName: 'Default API Key', actor: ACTOR });
  return { user_id: made.userId, api_key: made.apiKey };
}

/** Users, oldest first, at most 1,000. */
export function listAllUsers(context: RequestContext): Promise<UserRow[]> {
  return listUsers(context.sql, 1_000);
}

/** The one user of an id or e-mail address. @throws Error when there is none, or the address has several */
export async function requireUser(context: RequestContext, who: string): Promise<UserRow> {
  if (!who.includes('@')) {
    const user = await findUser(context.sql, who);
    if (!user) throw new Error(`There is no user ${who}.`);
    return user;
  }
  const users = await findUsersByEmail(context.sql, who);
  if (users.length > 1) throw new Error(`${users.length} users have the address ${who}; name one by its id.`);
  if (!users[0]) throw new Error(`There is no user with the address ${who}.`);
  return users[0];
}

/** Puts a user on another plan; it holds for the next call. */
export async function setPlan(context: RequestContext, user: UserRow, plan: PlanName) {
  await updatePlan(context.sql, user.id, plan, context.now());
  await audit(context, user.id, { actor: ACTOR, action: 'users.set_plan', details: { from: user.plan, to: plan } });
  return { user_id: user.id, plan };
}

/** Replaces the limits of a user that differ from the plan's; none named: back to the plan's. */
export async function setOverrides(context: RequestContext, user: UserRow, overrides: LimitOverrides) {
  await updateOverrides(context.sql, user.id, overrides, context.now());
  await audit(context, user.id, { actor: ACTOR, action: 'users.set_override', details: { ...overrides } });
  return { user_id: user.id, overrides };
}

/** Closes a user's account as they could themselves, for one who asks by letter. `immediate` purges it and cannot be undone. */
export async function deleteUser(context: RequestContext, user: UserRow, { immediate }: { immediate: boolean }) {
  return { user_id: user.id, ...(await closeAccount(context, user.id, ACTOR, immediate)) };
}

/** Takes the deletion of an account back, for one who has no key left to do it with. */
export async function restoreUser(context: RequestContext, user: UserRow) {
  return { user_id: user.id, ...(await restoreAccount(context, user.id, ACTOR)) };
}

/** A user's keys, newest first. */
export function listUserKeys(context: RequestContext, user: UserRow) {
  return listKeys(context.sql, user.id);
}

/** Makes a key for a user; it is in the answer only. */
export async function addKey(
  context: RequestContext,
  user: UserRow,
  wanted: { name: string; scopes?: Scope[] | undefined; keyEnvironment: string },
) {
  const scopes = wanted.scopes ?? [...SCOPES];
  const key = { name: wanted.name, scopes, expiresAt: null, rpmLimit: null, environment: wanted.keyEnvironment };
  const made = await issueKey(context, user.id, key);
  await audit(context, user.id, { actor: ACTOR, action: 'keys.create', target: made.key.id });
  return { user_id: user.id, key_id: made.key.id, api_key: made.apiKey };
}

/** Revokes a key, whoever it belongs to. */
export async function revokeAnyKey(context: RequestContext, id: string) {
  const found = await findAnyKey(context.sql, id);
  if (!found) throw new Error(`There is no API key ${id}.`);
  if (!found.key.revoked_at) {
    await updateKey(context.sql, found.userId, { ...found.key, revoked_at: context.now() });
    await audit(context, found.userId, { actor: ACTOR, action: 'keys.revoke', target: id });
  }
  return { user_id: found.userId, key_id: id, revoked: true };
}
