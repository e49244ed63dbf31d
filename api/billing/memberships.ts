import { listMemberships, type MembershipRow } from '../../db/queries/billing/memberships.ts';
import type { Caller, RequestContext } from '../context.ts';
import { PLAN_NAMES, PLANS } from '../limits/plans.ts';
import type { Billing } from './billing.ts';
import { checkoutUrls } from './checkout-urls.ts';
import { grantsAccess } from './tiers.ts';

/** Returns the account's memberships at Whop, those that grant access first, and the plans with their checkouts. */
export async function memberships(context: RequestContext, caller: Caller, billing: Billing | undefined) {
  const rows = await listMemberships(context.sql, caller.userId);
  const checkouts = billing ? checkoutUrls(billing.config.plans) : {};
  return {
    results: toMemberships(rows),
    plans: PLAN_NAMES.map((name) => ({
      name,
      price: PLANS[name].price,
      is_current: name === caller.plan,
      checkout_url: checkouts[name] ?? null,
    })),
  };
}

/** Serializes memberships, those that grant access first. */
export function toMemberships(rows: readonly MembershipRow[]) {
  return rows
    .map((row) => ({
      id: row.id,
      plan: row.tier,
      status: row.status,
      grants_access: grantsAccess(row.status),
      period_end: row.period_end?.toISOString() ?? null,
      cancel_at_period_end: row.cancel_at_period_end,
      manage_url: webUrl(row.manage_url),
      as_of: row.confirmed ? row.read_at.toISOString() : null,
    }))
    .toSorted((a, b) => Number(b.grants_access) - Number(a.grants_access));
}

/** Returns a URL from Whop if a link may lead to it. */
function webUrl(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}
