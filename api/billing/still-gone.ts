import { listMemberships } from '../../db/queries/billing/memberships.ts';
import type { Billing } from './billing.ts';
import { syncMembership } from './membership.ts';
import { grantsAccess } from './tiers.ts';
import { WhopError } from './whop-client.ts';

/**
 * Asks Whop once more about every membership of a user, which also reactivates an account whose webhooks were missed.
 * Answers whether none of them gives anything. One that Whop has forgotten gives nothing.
 * @throws WhopFailure when Whop cannot be asked
 */
export async function hasLapsed(billing: Billing, userId: string): Promise<boolean> {
  for (const { id } of await listMemberships(billing.database.owner, userId)) {
    await syncMembership(billing, id).catch((error: unknown) => {
      if (!(error instanceof WhopError) || error.status !== 404) throw error;
    });
  }
  const memberships = await listMemberships(billing.database.owner, userId);
  return memberships.every(({ status }) => !grantsAccess(status));
}
