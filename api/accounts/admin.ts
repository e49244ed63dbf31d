import { findAnyKey, type KeyRow, listKeys, updateKey } from '../../db/queries/accounts/api-keys.ts';
import {
  findUser,
  findUsersByEmail,
  type LimitOverrides,
  listUsers,
  type PlanName,
  type UserRow,
  updateOperator,
  updateOverrides,
  updatePlan,
} from '../../db/queries/accounts/users.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { createKey } from '../contracts/keys.ts';
import { SCOPES, type Scope } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import { announceKeyCreated, issueKey, recordKeyRevoked } from '../keys/keys.ts';
import { applyPlan } from '../webhooks/plan.ts';
import { closeAccount, restoreAccount } from './lifecycle.ts';
import { createUser } from './users.ts';

/*
 * Acts of the operator: commands of the admin CLI and operations of the operator's screens. `context.sql` is a transaction of the
 * database owner, and `actor` is written to the audit log of the account. Failures of the CLI's own functions are plain Errors, because
 * only the operator reads them.
 */

/** Actor of the admin CLI. */
const ACTOR = 'admin';

/** Adds a user with one key that has all scopes. Only the result contains the key itself. */
export async function addUser(
  context: RequestContext,
  wanted: { email: string; plan: PlanName; keyEnvironment: string },
) {
  const made = await createUser(context, { ...wanted, keyName: 'Default API Key', actor: ACTOR });
  await announceKeyCreated(context, made.userId, made.key);
  return { user_id: made.userId, api_key: made.apiKey };
}

/** Lists at most 1,000 users, oldest first. */
export function listAllUsers(context: RequestContext): Promise<UserRow[]> {
  return listUsers(context.sql, 1_000);
}

/** Returns the user with an id or e-mail address. @throws Error when there is none, or several have the address */
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

/** Changes a user's plan, effective from the next request. */
export async function setPlan(context: RequestContext, user: UserRow, plan: PlanName, actor = ACTOR) {
  await updatePlan(context.sql, user.id, plan, context.now());
  await applyPlan(context, user.id, plan);
  await audit(context, user.id, { actor, action: 'users.set_plan', details: { from: user.plan, to: plan } });
  return { user_id: user.id, plan };
}

/** Replaces a user's limits that differ from the plan's; an empty object restores the plan's limits. */
export async function setOverrides(context: RequestContext, user: UserRow, overrides: LimitOverrides, actor = ACTOR) {
  await updateOverrides(context.sql, user.id, overrides, context.now());
  await audit(context, user.id, { actor, action: 'users.set_override', details: { ...overrides } });
  return { user_id: user.id, overrides };
}

/** Closes a user's account on their behalf. `immediate` purges it and cannot be undone. */
export async function deleteUser(
  context: RequestContext,
  user: Pick<UserRow, 'id'>,
  { immediate }: { immediate: boolean },
  actor = ACTOR,
) {
  return { user_id: user.id, ...(await closeAccount(context, user.id, actor, immediate)) };
}

/** Restores a closed account whose owner no longer has a key. */
export async function restoreUser(context: RequestContext, user: Pick<UserRow, 'id'>, actor = ACTOR) {
  return { user_id: user.id, ...(await restoreAccount(context, user.id, actor)) };
}

/** Lists a user's keys, newest first. */
export function listUserKeys(context: RequestContext, user: UserRow) {
  return listKeys(context.sql, user.id);
}

/** Creates a key for a user. Only the result contains the key itself. */
export async function addKey(
  context: RequestContext,
  user: UserRow,
  wanted: { name: string; scopes?: Scope[] | undefined; project?: string[] | undefined; keyEnvironment: string },
) {
  const fields = { name: wanted.name, projects: wanted.project ?? null };
  const { name, projects = null } = parseInput(createKey.input.pick({ name: true, projects: true }), fields);
  const scopes = wanted.scopes ?? [...SCOPES];
  const key = { name, scopes, projects, expiresAt: null, rpmLimit: null, environment: wanted.keyEnvironment };
  const made = await issueKey(context, user.id, key);
  await audit(context, user.id, { actor: ACTOR, action: 'keys.create', target: made.key.id });
  await announceKeyCreated(context, user.id, made.key);
  return { user_id: user.id, key_id: made.key.id, api_key: made.apiKey };
}

/** Revokes a key of any user, or the access of an app. @throws Error when there is none */
export async function revokeAnyKey(context: RequestContext, id: string) {
  const found = await findAnyKey(context.sql, id);
  if (!found) throw new Error(`There is no API key ${id}.`);
  return revokeKeyOf(context, found, ACTOR);
}

/** Revokes a key of a user, whose row is locked. Revoking it again changes nothing. */
export async function revokeKeyOf(
  context: RequestContext,
  { userId, key }: { userId: string; key: KeyRow },
  actor: string,
) {
  if (!key.revoked_at) {
    await updateKey(context.sql, userId, { ...key, revoked_at: context.now() });
    await recordKeyRevoked(context, userId, key, 'revoked');
    await audit(context, userId, { actor, action: 'keys.revoke', target: key.id });
  }
  return { user_id: userId, key_id: key.id, revoked: true as const };
}

/** Makes a user an operator, whose sessions may use the screens of administration, or no longer. Done by the CLI only. */
export async function setOperator(context: RequestContext, user: UserRow, isOperator: boolean) {
  await updateOperator(context.sql, user.id, isOperator, context.now());
  await audit(context, user.id, { actor: ACTOR, action: 'users.set_operator', details: { operator: isOperator } });
  return { user_id: user.id, operator: isOperator };
}
