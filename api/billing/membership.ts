import { createHash } from 'node:crypto';
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
import type { WhopMembership } from './payload.ts';
import { ACTOR, type BillingDeps, noteEmail, provision, welcome } from './provision.ts';
import { bestTier, givesAccess, isKnownStatus, LOWEST_TIER, tierOf } from './tiers.ts';
import { WhopFailure } from './whop-client.ts';

/** What an account and its membership were, and have become; `from` null for what was not there. */
export interface Difference {
  what: 'membership' | 'cancellation' | 'plan' | 'account';
  from: string | null;
  to: string;
}

/** What is known of a membership before Whop is asked. */
export interface Told {
  /** What an event tells of it. */
  membership?: WhopMembership | undefined;
  /** The buyer's address. */
  email?: string | undefined;
  /** The buyer is here in person: what was closed is opened again. */
  inPerson?: boolean;
}

/** What converging came to. */
export interface Converged {
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
export async function converge(
  billing: Billing,
  membershipId: string,
  told: Told = {},
  also?: (sql: Sql) => Promise<void>,
): Promise<Converged | undefined> {
  const readAt = await findReadTime(billing.database.owner);
  const answer = await billing.whop.membership(membershipId).catch((error: unknown) => {
    if (error instanceof WhopFailure) return error;
    throw error;
  });
  const failure = answer instanceof WhopFailure ? answer : undefined;
  const membership = answer instanceof WhopFailure ? toldOf(membershipId, told, answer) : answer;
  const converged = await billing.database.ownerWrite(async (sql) => {
    const context = { sql, now: billing.now, newId: billing.newId };
    const settled = await settle(context, billing, membership, {
      readAt,
      confirmed: !failure,
      inPerson: told.inPerson ?? false,
      email: told.email ?? null,
    });
    if (!failure) await also?.(sql);
    return settled;
  });
  if (failure) throw failure;
  return converged;
}

/** Makes an account fit what is known of its memberships, without asking Whop. */
export function convergeKnown(billing: Billing, whopUserId: string): Promise<Converged | undefined> {
  return billing.database.ownerWrite(async (sql) => {
    const buyer = await lockCustomer(sql, whopUserId);
    if (!buyer) return undefined;
    const known = await listMemberships(sql, buyer.id);
    const differences = await adjust({ sql, now: billing.now, newId: billing.newId }, billing, buyer, known, known);
    return { userId: buyer.id, whopUserId, differences };
  });
}

/**
 * The membership as an event tells of it, to go by for now: if the event dates it, for otherwise it could be an old one
 * that was sent again, and unless Whop says that there is no such membership.
 */
function toldOf(id: string, { membership }: Told, failure: WhopFailure): WhopMembership {
  if (failure.status === 404 || membership?.id !== id || !membership.changedAt) throw failure;
  return membership;
}

interface Reading {
  readAt: Date;
  confirmed: boolean;
  email: string | null;
  inPerson: boolean;
}

async function settle(
  context: BillingDeps,
  billing: Billing,
  membership: WhopMembership,
  reading: Reading,
): Promise<Converged | undefined> {
  const { sql } = context;
  const former = await findMembershipCustomer(sql, membership.id);
  const whopUserId = membership.userId ?? former;
  if (!whopUserId) return undefined;
  if (former && former !== whopUserId) await leave(context, billing, former, membership.id);

  const tier = tierOf(membership, billing.config.plans);
  if (!tier)
    billing.log.error({ ...about(membership), whop_plan: membership.planId }, 'a plan that WHOP_PLANS does not name');
  if (!isKnownStatus(membership.status))
    billing.log.error(about(membership), 'a status that gives nothing until we know it');

  const email = membership.email ?? reading.email;
  const row = rowOf(membership, tier ?? LOWEST_TIER, reading);
  let found = await lockCustomer(sql, whopUserId);
  const isNew = !found && givesAccess(row.status) && (await mayOpen(sql, membership.id, reading.inPerson));
  if (isNew) ({ buyer: found } = await provision(context, { whopUserId, email, plan: row.tier }));
  if (!found) return undefined;
  const buyer = await noteEmail(context, found, email);

  const before = await listMemberships(sql, buyer.id);
  await upsertMembership(sql, buyer.id, row);
  const after = await listMemberships(sql, buyer.id);
  const differences = await adjust(context, billing, buyer, before, after);
  if (isNew) differences.push({ what: 'account', from: null, to: buyer.plan });
  return { userId: buyer.id, whopUserId, differences };
}

/** Whether a membership may make an account: not one whose owner asked to be forgotten, unless they are back. */
async function mayOpen(sql: Sql, membershipId: string, inPerson: boolean): Promise<boolean> {
  if (!(await isMembershipClosed(sql, membershipId))) return true;
  if (inPerson) await reopenMembership(sql, membershipId);
  return inPerson;
}

/** Takes a membership from a buyer who has given it to somebody else. */
async function leave(context: BillingDeps, billing: Billing, whopUserId: string, membershipId: string): Promise<void> {
  const buyer = await lockCustomer(context.sql, whopUserId);
  if (!buyer) return;
  const before = await listMemberships(context.sql, buyer.id);
  await deleteMembership(context.sql, buyer.id, membershipId);
  const given = before.map((row) => (row.id === membershipId ? { ...row, status: 'canceled' } : row));
  await adjust(context, billing, buyer, before, given);
}

/** Makes plan and status of an account what its memberships give, and tells its owner. Answers all that differs. */
async function adjust(
  context: BillingDeps,
  billing: Billing,
  buyer: CustomerRow,
  before: readonly MembershipRow[],
  after: readonly MembershipRow[],
): Promise<Difference[]> {
  const differences = after.flatMap((row) => differencesOf(formerOf(row, before), row));
  if (buyer.status === 'deleted') return differences;
  const isActive = buyer.status === 'active';

  const tier = bestTier(after.filter(({ status }) => givesAccess(status)).map((row) => row.tier));
  if (!tier) {
    if (!after.some((row) => row.gave_access)) return differences;
    await deactivate(context, buyer.id, 'membership_ended', after.findLast((row) => row.manage_url)?.manage_url);
    return isActive ? [...differences, { what: 'account', from: 'active', to: 'read_only' }] : differences;
  }
  if (!isActive) await reactivate(context, buyer.id);
  if (buyer.status === 'read_only') differences.push({ what: 'account', from: 'read_only', to: 'active' });
  // Whoever is leaving is told nothing of plans.
  const isTold = buyer.status !== 'closing';
  const welcomed = isTold && (await welcome(context, buyer, { plan: tier, publicUrl: billing.publicUrl() }));
  if (tier !== buyer.plan) {
    await changePlan(context, buyer, tier);
    if (isTold && !welcomed) await mailOwner(context, buyer, 'plan_changed', { from: buyer.plan, to: tier });
    differences.push({ what: 'plan', from: buyer.plan, to: tier });
  }
  if (isTold) for (const row of after) await tellOf(context, buyer, formerOf(row, before), row);
  return differences;
}

async function changePlan(context: BillingDeps, buyer: CustomerRow, to: PlanName): Promise<void> {
  await updatePlan(context.sql, buyer.id, to, context.now());
  await audit(context, buyer.id, {
    actor: ACTOR,
    action: 'users.set_plan',
    details: { from: buyer.plan, to },
  });
}

/** Mails what a buyer should do something about, when it begins. */
async function tellOf(
  context: BillingDeps,
  buyer: CustomerRow,
  former: MembershipRow | undefined,
  row: MembershipRow,
): Promise<void> {
  const { manage_url } = row;
  if (row.status === 'past_due' && former?.status !== 'past_due') {
    await mailOwner(context, buyer, 'payment_failed', { manage_url });
  }
  if (givesAccess(row.status) && row.cancel_at_period_end && !former?.cancel_at_period_end) {
    const access_until = row.period_end?.toISOString() ?? null;
    await mailOwner(context, buyer, 'cancellation', { access_until, manage_url, purge_at: null });
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

function formerOf(row: MembershipRow, before: readonly MembershipRow[]): MembershipRow | undefined {
  return before.find(({ id }) => id === row.id);
}

function rowOf(membership: WhopMembership, tier: PlanName, { readAt, confirmed }: Reading): MembershipRow {
  return {
    id: membership.id,
    status: membership.status,
    plan_id: membership.planId,
    product_id: membership.productId,
    tier,
    period_end: membership.periodEnd,
    gave_access: givesAccess(membership.status),
    cancel_at_period_end: membership.cancelAtPeriodEnd,
    manage_url: membership.manageUrl,
    license_hash: membership.licenseKey === null ? null : hashLicense(membership.licenseKey),
    changed_at: membership.changedAt,
    read_at: readAt,
    confirmed,
  };
}

/** What a licence key is found by. */
export function hashLicense(licenseKey: string): Buffer {
  return createHash('sha256').update(licenseKey).digest();
}

function about({ id, userId, status }: WhopMembership) {
  return { membership_id: id, whop_user_id: userId, status };
}
