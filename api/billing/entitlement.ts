import { type PlanName, updatePlan } from '../../db/queries/accounts/users.ts';
import type { CustomerRow } from '../../db/queries/billing/customers.ts';
import type { MembershipRow } from '../../db/queries/billing/memberships.ts';
import { deactivate, reactivate } from '../accounts/lifecycle.ts';
import { audit } from '../audit.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { applyPlan } from '../webhooks/plan.ts';
import { ACTOR, type BillingContext, sendWelcome } from './provision.ts';
import { grantsAccess, highestTier } from './tiers.ts';

/** A change of an account or its membership; `from` is null for something new. */
export interface Difference {
  what: 'membership' | 'cancellation' | 'plan' | 'account';
  from: string | null;
  to: string;
}

/**
 * Sets plan and status of an account to what its memberships grant, notifies its owner, and returns all changes.
 * @param publicUrl base URL of the links in e-mails
 */
export async function applyEntitlement(
  context: BillingContext,
  customer: CustomerRow,
  { before, after }: { before: readonly MembershipRow[]; after: readonly MembershipRow[] },
  publicUrl: string,
): Promise<Difference[]> {
  const differences = after.flatMap((row) => differencesOf(previousOf(row, before), row));
  if (customer.status === 'deleted') return differences;
  const isActive = customer.status === 'active';

  const tier = highestTier(after.filter(({ status }) => grantsAccess(status)).map((row) => row.tier));
  if (!tier) {
    if (!after.some((row) => row.gave_access)) return differences;
    await deactivate(context, customer.id, 'membership_ended', after.findLast((row) => row.manage_url)?.manage_url);
    return isActive ? [...differences, { what: 'account', from: 'active', to: 'read_only' }] : differences;
  }
  if (!isActive) await reactivate(context, customer.id);
  if (customer.status === 'read_only') differences.push({ what: 'account', from: 'read_only', to: 'active' });
  // The owner of an account that is being closed gets no e-mails about plans.
  const isNotified = customer.status !== 'closing';
  const welcomed = isNotified && (await sendWelcome(context, customer, { plan: tier, publicUrl }));
  const isBack = customer.status === 'read_only' && !welcomed;
  if (isBack) await mailOwner(context, customer, 'welcome_back', { plan: tier });
  if (tier !== customer.plan) {
    await changePlan(context, customer, tier);
    if (isNotified && !welcomed && !isBack)
      await mailOwner(context, customer, 'plan_changed', { from: customer.plan, to: tier });
    differences.push({ what: 'plan', from: customer.plan, to: tier });
  }
  if (isNotified) for (const row of after) await notifyCustomer(context, customer, previousOf(row, before), row);
  return differences;
}

async function changePlan(context: BillingContext, customer: CustomerRow, to: PlanName): Promise<void> {
  await updatePlan(context.sql, customer.id, to, context.now());
  await applyPlan(context, customer.id, to);
  await audit(context, customer.id, {
    actor: ACTOR,
    action: 'users.set_plan',
    details: { from: customer.plan, to },
  });
}

/** E-mails a customer when a payment starts to fail or a cancellation is scheduled. */
async function notifyCustomer(
  context: BillingContext,
  customer: CustomerRow,
  former: MembershipRow | undefined,
  row: MembershipRow,
): Promise<void> {
  const { manage_url } = row;
  if (row.status === 'past_due' && former?.status !== 'past_due') {
    await mailOwner(context, customer, 'payment_failed', { manage_url });
  }
  if (grantsAccess(row.status) && row.cancel_at_period_end && !former?.cancel_at_period_end) {
    const access_until = row.period_end?.toISOString() ?? null;
    await mailOwner(context, customer, 'cancellation', { access_until, manage_url, purge_at: null });
  }
}

function differencesOf(former: MembershipRow | undefined, row: MembershipRow): Difference[] {
  const differences: Difference[] = [];
  if (former?.status !== row.status) {
    differences.push({ what: 'membership', from: former?.status ?? null, to: row.status });
  }
  if (former && former.cancel_at_period_end !== row.cancel_at_period_end) {
    differences.push({ what: 'cancellation', from: cancellationOf(former), to: cancellationOf(row) });
  }
  return differences;
}

function cancellationOf({ cancel_at_period_end }: MembershipRow): string {
  return cancel_at_period_end ? 'at period end' : 'none';
}

function previousOf(row: MembershipRow, before: readonly MembershipRow[]): MembershipRow | undefined {
  return before.find(({ id }) => id === row.id);
}
