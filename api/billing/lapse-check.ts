import { listMemberships } from '../../db/queries/billing/memberships.ts';
import type { Billing } from './billing.ts';
import { syncMembership } from './membership.ts';
import { grantsAccess } from './tiers.ts';
import { WhopError } from './whop-client.ts';

/**
 * Fetches every membership of a user from Whop again, which also reactivates an account whose webhooks were lost, and returns
 * whether none of them grants access. A membership that Whop no longer has grants none.
 * @throws WhopError when Whop is unavailable
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
