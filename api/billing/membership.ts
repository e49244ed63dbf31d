import type { Sql } from '../../db/client/sql.ts';
import { type PlanName, updatePlan } from '../../db/queries/accounts/users.ts';
import { type CustomerRow, lockCustomer } from '../../db/queries/billing/customers.ts';
import {
  deleteMembership,
  findMembershipCustomer,
  findReadTime,
  isMembershipClosed,
  listMemberships,
  type MembershipRow,
  reopenMembership,
  upsertMembership,
} from '../../db/queries/billing/memberships.ts';
import { deactivate, reactivate } from '../accounts/lifecycle.ts';
import { audit } from '../audit.ts';
import { mailOwner } from '../mail/enqueue.ts';
import type { Billing } from './billing.ts';
import { hashLicenseKey } from './license-hash.ts';
import type { WhopMembership } from './payload.ts';
import { ACTOR, type BillingDeps, provision, sendWelcome, updateEmail } from './provision.ts';
import { grantsAccess, highestTier, isKnownStatus, LOWEST_TIER, tierOf } from './tiers.ts';
import { WhopError } from './whop-client.ts';

/** What an account and its membership were, and have become; `from` null for what was not there. */
export interface Difference {
  what: 'membership' | 'cancellation' | 'plan' | 'account';
  from: string | null;
  to: string;
}

/** What is known of a membership before Whop is asked. */
export interface MembershipHint {
  /** What an event tells of it. */
  membership?: WhopMembership | undefined;
  /** The customer's address. */
  email?: string | undefined;
  /** The customer is here in person: what was closed is opened again. */
  inPerson?: boolean;
}

/** What converging came to. */
export interface SyncResult {
  userId: string;
  whopUserId: string;
  differences: Difference[];
}

/**
 * Makes an account fit a membership as Whop has it now, whatever an event says of it. While Whop cannot be asked, what
 * the event itself tells of the membership holds, and the failure is thrown all the same, so that Whop is asked again.
 * @param also done in the same transaction, if Whop was asked
 * @returns undefined when the membership is nobody's who has, or now gets, an account
 * @throws WhopFailure
 */
export async function syncMembership(
  billing: Billing,
  membershipId: string,
  hint: MembershipHint = {},
  also?: (sql: Sql) => Promise<void>,
): Promise<SyncResult | undefined> {
  const readAt = await findReadTime(billing.database.owner);
  const answer = await billing.whop.membership(membershipId).catch((error: unknown) => {
    if (error instanceof WhopError) return error;
    throw error;
  });
  const failure = answer instanceof WhopError ? answer : undefined;
  const membership = answer instanceof WhopError ? hintedMembership(membershipId, hint, answer) : answer;
  const converged = await billing.database.ownerWrite(async (sql) => {
    const context = { sql, now: billing.now, newId: billing.newId };
    const settled = await applyMembership(context, billing, membership, {
      readAt,
      confirmed: !failure,
      inPerson: hint.inPerson ?? false,
      email: hint.email ?? null,
    });
    if (!failure) await also?.(sql);
    return settled;
  });
  if (failure) throw failure;
  return converged;
}

/** Makes an account fit what is known of its memberships, without asking Whop. */
export function applyKnownMemberships(billing: Billing, whopUserId: string): Promise<SyncResult | undefined> {
  return billing.database.ownerWrite(async (sql) => {
    const customer = await lockCustomer(sql, whopUserId);
    if (!customer) return undefined;
    const known = await listMemberships(sql, customer.id);
    const differences = await applyEntitlement(
      { sql, now: billing.now, newId: billing.newId },
      billing,
      customer,
      known,
      known,
    );
    return { userId: customer.id, whopUserId, differences };
  });
}

/**
 * The membership as an event tells of it, to go by for now: if the event dates it, for otherwise it could be an old one
 * that was sent again, and unless Whop says that there is no such membership.
 */
function hintedMembership(id: string, { membership }: MembershipHint, failure: WhopError): WhopMembership {
  if (failure.status === 404 || membership?.id !== id || !membership.changedAt) throw failure;
  return membership;
}

interface WhopReading {
  readAt: Date;
  confirmed: boolean;
  email: string | null;
  inPerson: boolean;
}

async function applyMembership(
  context: BillingDeps,
  billing: Billing,
  membership: WhopMembership,
  reading: WhopReading,
): Promise<SyncResult | undefined> {
  const { sql } = context;
  const former = await findMembershipCustomer(sql, membership.id);
  const whopUserId = membership.userId ?? former;
  if (!whopUserId) return undefined;
  if (former && former !== whopUserId) await releaseMembership(context, billing, former, membership.id);

  const tier = tierOf(membership, billing.config.plans);
  if (!tier)
    billing.log.error(
      { ...logFields(membership), whop_plan: membership.planId },
      'a plan that WHOP_PLANS does not name',
    );
  if (!isKnownStatus(membership.status))
    billing.log.error(logFields(membership), 'a status that gives nothing until we know it');

  const email = membership.email ?? reading.email;
  const row = toRow(membership, tier ?? LOWEST_TIER, reading);
  let found = await lockCustomer(sql, whopUserId);
  const isNew = !found && grantsAccess(row.status) && (await mayCreateAccount(sql, membership.id, reading.inPerson));
  if (isNew) ({ customer: found } = await provision(context, { whopUserId, email, plan: row.tier }));
  if (!found) return undefined;
  const customer = await updateEmail(context, found, email);

  const before = await listMemberships(sql, customer.id);
  await upsertMembership(sql, customer.id, row);
  const after = await listMemberships(sql, customer.id);
  const differences = await applyEntitlement(context, billing, customer, before, after);
  if (isNew) differences.push({ what: 'account', from: null, to: customer.plan });
  return { userId: customer.id, whopUserId, differences };
}

/** Whether a membership may make an account: not one whose owner asked to be forgotten, unless they are back. */
async function mayCreateAccount(sql: Sql, membershipId: string, inPerson: boolean): Promise<boolean> {
  if (!(await isMembershipClosed(sql, membershipId))) return true;
  if (inPerson) await reopenMembership(sql, membershipId);
  return inPerson;
}

/** Takes a membership from a customer who has given it to somebody else. */
async function releaseMembership(
  context: BillingDeps,
  billing: Billing,
  whopUserId: string,
  membershipId: string,
): Promise<void> {
  const customer = await lockCustomer(context.sql, whopUserId);
  if (!customer) return;
  const before = await listMemberships(context.sql, customer.id);
  await deleteMembership(context.sql, customer.id, membershipId);
  const given = before.map((row) => (row.id === membershipId ? { ...row, status: 'canceled' } : row));
  await applyEntitlement(context, billing, customer, before, given);
}

/** Makes plan and status of an account what its memberships give, and tells its owner. Answers all that differs. */
async function applyEntitlement(
  context: BillingDeps,
  billing: Billing,
  customer: CustomerRow,
  before: readonly MembershipRow[],
  after: readonly MembershipRow[],
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
  // Whoever is leaving is told nothing of plans.
  const isNotified = customer.status !== 'closing';
  const welcomed = isNotified && (await sendWelcome(context, customer, { plan: tier, publicUrl: billing.publicUrl() }));
  if (tier !== customer.plan) {
    await changePlan(context, customer, tier);
    if (isNotified && !welcomed) await mailOwner(context, customer, 'plan_changed', { from: customer.plan, to: tier });
    differences.push({ what: 'plan', from: customer.plan, to: tier });
  }
  if (isNotified) for (const row of after) await notifyCustomer(context, customer, previousOf(row, before), row);
  return differences;
}

async function changePlan(context: BillingDeps, customer: CustomerRow, to: PlanName): Promise<void> {
  await updatePlan(context.sql, customer.id, to, context.now());
  await audit(context, customer.id, {
    actor: ACTOR,
    action: 'users.set_plan',
    details: { from: customer.plan, to },
  });
}

/** Mails what a customer should do something about, when it begins. */
async function notifyCustomer(
  context: BillingDeps,
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

function toRow(membership: WhopMembership, tier: PlanName, { readAt, confirmed }: WhopReading): MembershipRow {
  return {
    id: membership.id,
    status: membership.status,
    plan_id: membership.planId,
    product_id: membership.productId,
    tier,
    period_end: membership.periodEnd,
    gave_access: grantsAccess(membership.status),
    cancel_at_period_end: membership.cancelAtPeriodEnd,
    manage_url: membership.manageUrl,
    license_hash: membership.licenseKey === null ? null : hashLicenseKey(membership.licenseKey),
    changed_at: membership.changedAt,
    read_at: readAt,
    confirmed,
  };
}

function logFields({ id, userId, status }: WhopMembership) {
  return { membership_id: id, whop_user_id: userId, status };
}
