import { listCustomers } from '../../db/queries/billing/customers.ts';
import { listAllMemberships, type MembershipRow } from '../../db/queries/billing/memberships.ts';
import {
  completeReconciliation,
  deleteOldReconciliations,
  insertReconciliation,
  insertReconciliationDifference,
} from '../../db/queries/billing/reconciliations.ts';
import { DAY_MS } from '../time.ts';
import type { Billing } from './billing.ts';
import { WEBHOOK_DAYS_KEPT } from './inbox.ts';
import { applyKnownMemberships, type SyncResult, syncMembership } from './membership.ts';
import type { WhopMembership } from './payload.ts';
import { grantsAccess, tierOf } from './tiers.ts';

/** Result of a reconciliation with Whop. */
interface ReconciliationReport {
  /** Number of memberships at Whop. */
  memberships: number;
  /** Number of differences, all repaired. */
  differences: number;
  /** Number of memberships that could not be compared. */
  failed: number;
}

const ERROR_LENGTH_MAX = 500;

/**
 * Compares every membership with Whop's and repairs the accounts, for webhooks that were lost. Each difference is logged, and stored for
 * the operator for {@link WEBHOOK_DAYS_KEPT} days. A failure for one membership does not affect the others.
 * @throws WhopError when Whop's list cannot be fetched
 */
export async function reconcile(billing: Billing): Promise<ReconciliationReport & { id: string }> {
  const sql = billing.database.owner;
  const id = billing.newId();
  await deleteOldReconciliations(sql, new Date(billing.now().getTime() - WEBHOOK_DAYS_KEPT * DAY_MS));
  await insertReconciliation(sql, { id, now: billing.now() });
  const found: ReconciliationReport = { memberships: 0, differences: 0, failed: 0 };
  const complete = (error: string | null) =>
    completeReconciliation(sql, { id, finished_at: billing.now(), ...found, error });
  try {
    await compare(billing, id, found);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await complete(reason.slice(0, ERROR_LENGTH_MAX)).catch(() => undefined);
    throw error;
  }
  await complete(null);
  billing.log.info({ ...found }, 'memberships were compared with Whop');
  return { id, ...found };
}

/** Compares and repairs, and counts in `found`. */
async function compare(billing: Billing, reconciliationId: string, found: ReconciliationReport): Promise<void> {
  const sql = billing.database.owner;
  const known = new Map((await listAllMemberships(sql)).map((row) => [row.id, row]));

  const repair = async (
    subject: Record<string, string>,
    sync: () => Promise<SyncResult | undefined>,
  ): Promise<void> => {
    try {
      const { userId = '', differences } = (await sync()) ?? { differences: [] };
      found.differences += differences.length;
      for (const difference of differences) {
        billing.metrics.repaired(difference.what);
        billing.log.warn(
          { ...subject, user_id: userId, ...difference },
          'an account differed from Whop and was repaired',
        );
        await insertReconciliationDifference(sql, {
          id: billing.newId(),
          reconciliation_id: reconciliationId,
          user_id: userId,
          membership_id: subject.membership_id ?? null,
          what: difference.what,
          value_before: difference.from,
          value_after: difference.to,
        });
      }
    } catch (error) {
      found.failed++;
      billing.log.error({ ...subject, err: error }, 'a membership could not be compared with Whop');
    }
  };
  const sync = (id: string) => repair({ membership_id: id }, () => syncMembership(billing, id));

  for await (const page of billing.whop.memberships()) {
    for (const membership of page) {
      found.memberships++;
      const row = known.get(membership.id);
      known.delete(membership.id);
      if (differs(billing, membership, row)) await sync(membership.id);
    }
  }
  // Memberships that are missing in Whop's list, and unconfirmed ones known from webhooks only.
  for (const id of known.keys()) await sync(id);
  for (const whopUserId of await listCustomers(sql)) {
    await repair({ whop_user_id: whopUserId }, () => applyKnownMemberships(billing, whopUserId));
  }
}

/** Returns whether a membership must be fetched individually: the list does not contain all its fields. */
function differs({ config }: Billing, listed: WhopMembership, row: MembershipRow | undefined): boolean {
  if (!row) return grantsAccess(listed.status);
  const tier = tierOf(listed, config.plans);
  return (
    !row.confirmed ||
    row.status !== listed.status ||
    row.cancel_at_period_end !== listed.cancelAtPeriodEnd ||
    row.period_end?.getTime() !== listed.periodEnd?.getTime() ||
    row.plan_id !== listed.planId ||
    row.product_id !== listed.productId ||
    (tier !== undefined && row.tier !== tier)
  );
}
