import { findAnyKey, listKeys, updateKey } from '../../db/queries/accounts/api-keys.ts';
import { insertAudit } from '../../db/queries/accounts/audit.ts';
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
import type { Deps } from '../context.ts';
import { SCOPES, type Scope } from '../contracts/operation.ts';
import { issueKey } from '../keys/keys.ts';
import { closeAs, restoreAs } from './lifecycle.ts';
import { createUser } from './users.ts';

/*
 * What the operator of a service does from its shell. `deps.sql` is a transaction of the owner. Refusals are plain Errors:
 * the operator reads them, no client does.
 */

const ACTOR = 'admin';

/** Adds a user with one key of all scopes; the key is in the answer only. */
export async function addUser(deps: Deps, wanted: { email: string; plan: PlanName }) {
  const made = await createUser(deps, { ...wanted, keyName: 'Default API Key', actor: ACTOR });
  return { user_id: made.userId, api_key: made.apiKey };
}

/** Users, oldest first, at most 1,000. */
export function allUsers(deps: Deps): Promise<UserRow[]> {
  return listUsers(deps.sql, 1_000);
}

/** The one user of an id or e-mail address. @throws Error when there is none, or the address has several */
export async function requireUser(deps: Deps, who: string): Promise<UserRow> {
  if (!who.includes('@')) {
    const user = await findUser(deps.sql, who);
    if (!user) throw new Error(`There is no user ${who}.`);
    return user;
  }
  const users = await findUsersByEmail(deps.sql, who);
  if (users.length > 1) throw new Error(`${users.length} users have the address ${who}; name one by its id.`);
  if (!users[0]) throw new Error(`There is no user with the address ${who}.`);
  return users[0];
}

/** Puts a user on another plan; it holds for the next call. */
export async function setPlan(deps: Deps, user: UserRow, plan: PlanName) {
  await updatePlan(deps.sql, user.id, plan, deps.now());
  await audit(deps, user.id, 'users.set_plan', undefined, { from: user.plan, to: plan });
  return { user_id: user.id, plan };
}

/** Replaces the limits of a user that differ from the plan's; none named: back to the plan's. */
export async function setOverrides(deps: Deps, user: UserRow, overrides: LimitOverrides) {
  await updateOverrides(deps.sql, user.id, overrides, deps.now());
  await audit(deps, user.id, 'users.set_override', undefined, { ...overrides });
  return { user_id: user.id, overrides };
}

/** Closes a user's account as they could themselves, for one who asks by letter. `immediate` purges it and cannot be undone. */
export async function deleteUser(deps: Deps, user: UserRow, { immediate }: { immediate: boolean }) {
  return { user_id: user.id, ...(await closeAs(deps, user.id, ACTOR, immediate)) };
}

/** Takes the deletion of an account back, for one who has no key left to do it with. */
export async function restoreUser(deps: Deps, user: UserRow) {
  return { user_id: user.id, ...(await restoreAs(deps, user.id, ACTOR)) };
}

/** A user's keys, newest first. */
export function keysOf(deps: Deps, user: UserRow) {
  return listKeys(deps.sql, user.id);
}

/** Makes a key for a user; it is in the answer only. */
export async function addKey(deps: Deps, user: UserRow, wanted: { name: string; scopes?: Scope[] | undefined }) {
  const scopes = wanted.scopes ?? [...SCOPES];
  const made = await issueKey(deps, user.id, { name: wanted.name, scopes, expiresAt: null, rpmLimit: null });
  await audit(deps, user.id, 'keys.create', made.key.id);
  return { user_id: user.id, key_id: made.key.id, api_key: made.apiKey };
}

/** Revokes a key, whoever it belongs to. */
export async function revokeAnyKey(deps: Deps, id: string) {
  const found = await findAnyKey(deps.sql, id);
  if (!found) throw new Error(`There is no API key ${id}.`);
  if (!found.key.revoked_at) {
    await updateKey(deps.sql, found.userId, { ...found.key, revoked_at: deps.now() });
    await audit(deps, found.userId, 'keys.revoke', id);
  }
  return { user_id: found.userId, key_id: id, revoked: true };
}

function audit(deps: Deps, userId: string, action: string, target?: string, details?: Record<string, unknown>) {
  const entry = { id: deps.newId(), at: deps.now(), actor: ACTOR, action };
  return insertAudit(deps.sql, userId, { ...entry, ...(target && { target }), ...(details && { details }) });
}
