import type { PlanName } from '../../db/queries/accounts/users.ts';
import { PLAN_NAMES } from '../limits/plans.ts';
import type { WhopMembership } from './payload.ts';

/** The plan here for what Whop sells that nobody told us of. */
export const LOWEST_TIER = PLAN_NAMES[0] as PlanName;

/** Statuses of Whop that give what was paid for; `past_due` while Whop tries to collect. */
const ACCESS_STATUSES = new Set(['active', 'trialing', 'completed', 'canceling', 'past_due']);
const ENDED_STATUSES = new Set(['canceled', 'expired', 'unresolved', 'drafted']);

/** Whether a membership of this status gives its tier. One that nobody knows gives nothing. */
export function grantsAccess(status: string): boolean {
  return ACCESS_STATUSES.has(status);
}

/** Whether a status is one that Whop's documentation names. */
export function isKnownStatus(status: string): boolean {
  return ACCESS_STATUSES.has(status) || ENDED_STATUSES.has(status);
}

/** The plan here that a membership gives: by Whop's plan, then its product, then what the plan says of itself. */
export function tierOf(
  { planId, productId, planTier }: Pick<WhopMembership, 'planId' | 'productId' | 'planTier'>,
  plans: Record<string, PlanName>,
): PlanName | undefined {
  const named = (id: string | null) => (id !== null && Object.hasOwn(plans, id) ? plans[id] : undefined);
  return named(planId) ?? named(productId) ?? PLAN_NAMES.find((name) => name === planTier);
}

/** The highest of these tiers; undefined of none. */
export function highestTier(tiers: readonly PlanName[]): PlanName | undefined {
  return PLAN_NAMES.findLast((name) => tiers.includes(name));
}
