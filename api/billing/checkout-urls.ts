import type { PlanName } from '../../db/queries/accounts/users.ts';

/**
 * Returns the URL of Whop's checkout for each plan that is sold: the first plan of Whop for a tier, since others are other billing periods
 * or old prices. A product has no checkout URL.
 * @param plans tiers by Whop's id of a plan or product
 */
export function checkoutUrls(plans: Record<string, PlanName>): Partial<Record<PlanName, string>> {
  const urls: Partial<Record<PlanName, string>> = {};
  for (const [id, plan] of Object.entries(plans)) {
    if (id.startsWith('plan_')) urls[plan] ??= `https://whop.com/checkout/${id}`;
  }
  return urls;
}
