import type { PlanName } from '../../db/queries/accounts/users.ts';
import { PLAN_NAMES } from '../limits/plans.ts';
import type { WhopMembership } from './payload.ts';

/** The plan for a Whop plan that is not configured. */
export const LOWEST_TIER = PLAN_NAMES[0] as PlanName;

/** Whop's statuses that grant access; `past_due` does while Whop retries the payment. */
const ACCESS_STATUSES = new Set(['active', 'trialing', 'completed', 'canceling', 'past_due']);
const ENDED_STATUSES = new Set(['canceled', 'expired', 'unresolved', 'drafted']);

/** Returns whether a membership with this status grants its tier. An unknown status does not. */
export function grantsAccess(status: string): boolean {
  return ACCESS_STATUSES.has(status);
}

/** Returns whether Whop documents this status. */
export function isKnownStatus(status: string): boolean {
  return ACCESS_STATUSES.has(status) || ENDED_STATUSES.has(status);
}

/** Returns the tier of a membership: by its Whop plan, else its product, else the plan's own `metadata.tier`. */
export function tierOf(
  { planId, productId, planTier }: Pick<WhopMembership, 'planId' | 'productId' | 'planTier'>,
  plans: Record<string, PlanName>,
): PlanName | undefined {
  const named = (id: string | null) => (id !== null && Object.hasOwn(plans, id) ? plans[id] : undefined);
  return named(planId) ?? named(productId) ?? PLAN_NAMES.find((name) => name === planTier);
}

/** Returns the highest of these tiers; undefined for an empty list. */
export function highestTier(tiers: readonly PlanName[]): PlanName | undefined {
  return PLAN_NAMES.findLast((name) => tiers.includes(name));
}
