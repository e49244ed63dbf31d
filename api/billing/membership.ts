import type { Sql } from '../../db/client/sql.ts';
import type { PlanName } from '../../db/queries/accounts/users.ts';
import { lockCustomer } from '../../db/queries/billing/customers.ts';
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
import type { Billing } from './billing.ts';
import { applyEntitlement, type Difference } from './entitlement.ts';
import { hashLicenseKey } from './license-hash.ts';
import type { WhopMembership } from './payload.ts';
import { type BillingContext, provision, updateEmail } from './provision.ts';
import { grantsAccess, isKnownStatus, LOWEST_TIER, tierOf } from './tiers.ts';
import { WhopError } from './whop-client.ts';

/** Information about a membership from sources other than Whop's API. */
interface MembershipHint {
  /** The membership as a webhook describes it. */
  membership?: WhopMembership | undefined;
  /** The customer's e-mail address. */
  email?: string | undefined;
  /** The customer is signed in, so a membership closed by deleting the account may create a new one. */
  inPerson?: boolean;
}

/** Result of applying a membership. */
export interface SyncResult {
  userId: string;
  whopUserId: string;
  differences: Difference[];
}

/**
 * Fetches a membership from Whop and applies it to its account, whatever a webhook says. While Whop is unavailable, the
 * membership as the webhook describes it is applied, and the error is thrown all the same, so that the job is retried.
 * @param also runs in the same transaction, if Whop responded
 * @returns undefined when the membership belongs to no account and creates none
 * @throws WhopError
 */
export async function syncMembership(
  billing: Billing,
  membershipId: string,
  hint: MembershipHint = {},
  also?: (sql: Sql) => Promise<void>,
): Promise<SyncResult | undefined> {
  const readAt = await findReadTime(billing.database.owner);
  const fetched = await billing.whop.membership(membershipId).catch((error: unknown) => {
    if (error instanceof WhopError) return error;
    throw error;
  });
  const failure = fetched instanceof WhopError ? fetched : undefined;
  const membership = fetched instanceof WhopError ? hintedMembership(membershipId, hint, fetched) : fetched;
  const result = await billing.database.ownerWrite(async (sql) => {
    const context = { sql, now: billing.now, newId: billing.newId };
    const result = await applyMembership(context, billing, membership, {
      readAt,
      confirmed: !failure,
      inPerson: hint.inPerson ?? false,
      email: hint.email ?? null,
    });
    if (!failure) await also?.(sql);
    return result;
  });
  if (failure) throw failure;
  return result;
}

/** Applies the stored memberships of a customer to the account, without a request to Whop. */
export function applyKnownMemberships(billing: Billing, whopUserId: string): Promise<SyncResult | undefined> {
  return billing.database.ownerWrite(async (sql) => {
    const customer = await lockCustomer(sql, whopUserId);
    if (!customer) return undefined;
    const known = await listMemberships(sql, customer.id);
    const context = { sql, now: billing.now, newId: billing.newId };
    const differences = await applyEntitlement(context, customer, { before: known, after: known }, billing.publicUrl());
    return { userId: customer.id, whopUserId, differences };
  });
}

/**
 * Returns the membership of a webhook as a provisional substitute for Whop's. Rethrows the failure when the webhook has no date
 * (it may be an old one, delivered again) or Whop reports that the membership does not exist.
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
  context: BillingContext,
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
      'the Whop plan is not listed in WHOP_PLANS',
    );
  if (!isKnownStatus(membership.status))
    billing.log.error(logFields(membership), 'an unknown membership status, which grants no access');

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
  const differences = await applyEntitlement(context, customer, { before, after }, billing.publicUrl());
  if (isNew) differences.push({ what: 'account', from: null, to: customer.plan });
  return { userId: customer.id, whopUserId, differences };
}

/** Returns whether a membership may create an account. One whose owner deleted the account may only with the owner signed in. */
async function mayCreateAccount(sql: Sql, membershipId: string, inPerson: boolean): Promise<boolean> {
  if (!(await isMembershipClosed(sql, membershipId))) return true;
  if (inPerson) await reopenMembership(sql, membershipId);
  return inPerson;
}

/** Removes a membership from a customer who has transferred it to someone else. */
async function releaseMembership(
  context: BillingContext,
  billing: Billing,
  whopUserId: string,
  membershipId: string,
): Promise<void> {
  const customer = await lockCustomer(context.sql, whopUserId);
  if (!customer) return;
  const before = await listMemberships(context.sql, customer.id);
  await deleteMembership(context.sql, customer.id, membershipId);
  const given = before.map((row) => (row.id === membershipId ? { ...row, status: 'canceled' } : row));
  await applyEntitlement(context, customer, { before, after: given }, billing.publicUrl());
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
