import { listMemberships } from '../../db/queries/billing/memberships.ts';
import type { Billing } from './billing.ts';
import { converge } from './membership.ts';
import { givesAccess } from './tiers.ts';
import { WhopFailure } from './whop-client.ts';

/**
 * Asks Whop once more about every membership of a user, which also reactivates an account whose webhooks were missed.
 * Answers whether none of them gives anything. One that Whop has forgotten gives nothing.
 * @throws WhopFailure when Whop cannot be asked
 */
export async function stillGone(billing: Billing, userId: string): Promise<boolean> {
  for (const { id } of await listMemberships(billing.database.owner, userId)) {
    await converge(billing, id).catch((error: unknown) => {
      if (!(error instanceof WhopFailure) || error.status !== 404) throw error;
    });
  }
  const memberships = await listMemberships(billing.database.owner, userId);
  return memberships.every(({ status }) => !givesAccess(status));
}
