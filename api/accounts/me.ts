import { findAccountLifecycle } from '../../db/queries/accounts/lifecycle.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';

/** Returns the caller's account, plan, limits, and its key or session. */
export async function me(context: RequestContext, caller: Caller) {
  const [user, quota, lifecycle] = await Promise.all([
    findUser(context.sql, caller.userId),
    findQuota(context.sql, caller.userId),
    findAccountLifecycle(context.sql, caller.userId),
  ]);
  if (!user) throw new Problem('not_found', { detail: 'This account no longer exists.' });
  return {
    id: user.id,
    email: user.email,
    plan: caller.plan,
    status: caller.status,
    limits: caller.limits,
    storage_bytes: quota.storage_bytes,
    created_at: user.created_at.toISOString(),
    purge_at: lifecycle?.purge_at?.toISOString() ?? null,
    key:
      caller.keyId === null
        ? null
        : { id: caller.keyId, scopes: [...caller.scopes], projects: caller.projects && [...caller.projects] },
    session: caller.sessionId === null ? null : { id: caller.sessionId },
    is_operator: caller.isOperator,
  };
}
