import { findAccountLifecycle } from '../../db/queries/accounts/lifecycle.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { listMemberships } from '../../db/queries/billing/memberships.ts';
import { findQuota } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { toMemberships } from './memberships.ts';

/** Returns the caller's account, plan, limits, memberships with what becomes of them, and its key or session. */
export async function me(context: RequestContext, caller: Caller) {
  const [user, quota, lifecycle, rows] = await Promise.all([
    findUser(context.sql, caller.userId),
    findQuota(context.sql, caller.userId),
    findAccountLifecycle(context.sql, caller.userId),
    listMemberships(context.sql, caller.userId),
  ]);
  if (!user) throw new Problem('not_found', { detail: 'This account no longer exists.' });
  const memberships = toMemberships(rows);
  return {
    id: user.id,
    email: user.email,
    plan: caller.plan,
    status: caller.status,
    limits: caller.limits,
    storage_bytes: quota.storage_bytes,
    billing: describeBilling(caller, memberships),
    memberships,
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

/** Says which plan the account has, and what becomes of it, by the membership that grants it. */
function describeBilling({ plan }: Caller, memberships: ReturnType<typeof toMemberships>) {
  const has = `This account is on the ${plan} plan`;
  const granting = memberships.filter(({ grants_access }) => grants_access);
  const granted = granting.find((membership) => membership.plan === plan) ?? granting[0];
  if (!granted) {
    const [last] = memberships;
    const summary = last ? `${has}; its last membership at Whop has ended.` : `${has}, which was not bought at Whop.`;
    return { summary, renews_at: null, ends_at: null, manage_url: last?.manage_url ?? null };
  }
  const { status, period_end: end, manage_url } = granted;
  const isCanceled = granted.cancel_at_period_end || status === 'canceling';
  const isUnpaid = status === 'past_due';
  const renews = !isCanceled && !isUnpaid && status !== 'completed' && end !== null;
  const on = end ? ` on ${new Date(end).toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' })}` : '';
  const next = isCanceled ? `, which is canceled and ends${on}` : isUnpaid ? ', which has a payment that failed' : '';
  return {
    summary: `${has}${renews ? `, which renews${on}` : next}.`,
    renews_at: renews ? end : null,
    ends_at: isCanceled ? end : null,
    manage_url,
  };
}
