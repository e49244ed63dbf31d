import type { PlanName } from '../../db/queries/accounts/users.ts';
import { findMembership, type MembershipRow } from '../../db/queries/billing/memberships.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { LicenseCheck } from './license-check.ts';
import { hashLicenseKey } from './license-hash.ts';
import { grantsAccess } from './tiers.ts';
import { WhopError } from './whop-client.ts';

const UNKNOWN = {
  valid: false,
  status: null,
  plan: null,
  membership_id: null,
  period_end: null,
  cancel_at_period_end: false,
  as_of: null,
};

/**
 * Returns the state of one of the caller's licenses: as Whop reports it now, or as last known while Whop is unavailable. A license
 * of another user looks like one that does not exist.
 */
export async function validateLicense(
  context: RequestContext,
  caller: Caller,
  input: { license_key: string },
  billing: { checkLicense: LicenseCheck } | undefined,
) {
  const by = { id: input.license_key, licenseHash: hashLicenseKey(input.license_key) };
  const row = await findMembership(context.sql, caller.userId, by);
  if (!row) return UNKNOWN;
  const checked = await billing?.checkLicense(row.id).catch((error: unknown) => {
    if (error instanceof WhopError) return undefined;
    throw error;
  });
  if (!checked) return toResponse(row, row.tier, row.confirmed ? row.read_at : row.changed_at);
  const { status, periodEnd, cancelAtPeriodEnd } = checked.membership;
  const fresh = { id: row.id, status, period_end: periodEnd, cancel_at_period_end: cancelAtPeriodEnd };
  return toResponse(fresh, checked.plan, checked.at);
}

function toResponse(
  row: Pick<MembershipRow, 'id' | 'status' | 'period_end' | 'cancel_at_period_end'>,
  plan: PlanName,
  asOf: Date | null,
) {
  return {
    valid: grantsAccess(row.status),
    status: row.status,
    plan,
    membership_id: row.id,
    period_end: row.period_end?.toISOString() ?? null,
    cancel_at_period_end: row.cancel_at_period_end,
    as_of: asOf?.toISOString() ?? null,
  };
}
