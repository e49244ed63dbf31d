import { findKey } from '../../db/queries/accounts/api-keys.ts';
import { findUser, type LimitOverrides, type PlanName, type UserRow } from '../../db/queries/accounts/users.ts';
import * as admin from '../accounts/admin.ts';
import { operatorActor } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { userNotFound } from './users.ts';

/*
 * Acts on an account from the operator's screens. Each is that of the admin CLI, with the operator as the actor in the audit log of the
 * account.
 */

/** Sets the plan of an account. @throws Problem `not_found` */
export async function setPlan(context: RequestContext, caller: Caller, input: { id: string; plan: PlanName }) {
  return admin.setPlan(context, await lockUser(context, input.id), input.plan, operatorActor(caller));
}

/** Replaces the limits of an account that differ from its plan's. @throws Problem `not_found` */
export async function setOverrides(
  context: RequestContext,
  caller: Caller,
  { id, ...limits }: { id: string } & { [Name in keyof LimitOverrides]?: number | null | undefined },
) {
  const overrides = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit != null)) as LimitOverrides;
  return admin.setOverrides(context, await lockUser(context, id), overrides, operatorActor(caller));
}

/** Closes an account, which its owner or an operator can restore until it is purged. @throws Problem `not_found` */
export async function close(context: RequestContext, caller: Caller, { id }: { id: string }) {
  return admin.deleteUser(context, { id }, { immediate: false }, operatorActor(caller));
}

/** Restores a closed account. @throws Problem `not_found` */
export async function restore(context: RequestContext, caller: Caller, { id }: { id: string }) {
  return admin.restoreUser(context, { id }, operatorActor(caller));
}

/** Revokes a key of an account. @throws Problem `not_found` */
export async function revokeKey(context: RequestContext, caller: Caller, input: { id: string; key_id: string }) {
  const key = await findKey(context.sql, input.id, input.key_id, true);
  if (!key) throw new Problem('not_found', { detail: `The account has no API key ${input.key_id}.` });
  return admin.revokeKeyOf(context, { userId: input.id, key }, operatorActor(caller));
}

async function lockUser(context: RequestContext, id: string): Promise<UserRow> {
  const user = await findUser(context.sql, id, true);
  if (!user) throw userNotFound(id);
  return user;
}
