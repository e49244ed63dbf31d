import type { PlanName } from '../../db/queries/accounts/users.ts';
import { findMembership, type MembershipRow } from '../../db/queries/billing/memberships.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Billing } from './billing.ts';
import { hashLicenseKey } from './membership.ts';
import type { WhopMembership } from './payload.ts';
import { grantsAccess, LOWEST_TIER, tierOf } from './tiers.ts';
import { WhopError } from './whop-client.ts';

/** How long Whop's answer is good for. */
export const LICENSE_CACHE_SECONDS = 30;
const CACHED_MAX = 10_000;

interface CheckedLicense {
  membership: WhopMembership;
  plan: PlanName;
  /** When Whop was asked. */
  at: Date;
}

/** Asks Whop for a membership, for each at most once in {@link LICENSE_CACHE_SECONDS} seconds. @throws WhopFailure */
export type LicenseCheck = (membershipId: string) => Promise<CheckedLicense>;

/** A check of licences with a memory of its own. */
export function createLicenseCheck({ whop, config, now }: Pick<Billing, 'whop' | 'config' | 'now'>): LicenseCheck {
  const answers = new Map<string, { until: number; answer: Promise<CheckedLicense> }>();

  const ask = async (id: string, at: Date): Promise<CheckedLicense> => {
    const membership = await whop.membership(id);
    return { membership, plan: tierOf(membership, config.plans) ?? LOWEST_TIER, at };
  };
  return (id) => {
    const at = now();
    const kept = answers.get(id);
    if (kept && kept.until > at.getTime()) return kept.answer;
    const answer = ask(id, at);
    // What failed is asked again.
    answer.catch(() => answers.delete(id));
    answers.delete(id);
    answers.set(id, { until: at.getTime() + LICENSE_CACHE_SECONDS * 1000, answer });
    if (answers.size > CACHED_MAX) answers.delete(answers.keys().next().value as string);
    return answer;
  };
}

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
 * How a licence of the caller's own stands: as Whop says, or as Whop last said where it cannot be asked. Another's is
 * not to be told from one that does not exist.
 */
export async function validateLicense(context: RequestContext, caller: Caller, input: { license_key: string }) {
  const by = { id: input.license_key, licenseHash: hashLicenseKey(input.license_key) };
  const row = await findMembership(context.sql, caller.userId, by);
  if (!row) return UNKNOWN;
  const asked = await context.billing?.checkLicense(row.id).catch((error: unknown) => {
    if (error instanceof WhopError) return undefined;
    throw error;
  });
  if (!asked) return toResponse(row, row.tier, row.confirmed ? row.read_at : row.changed_at);
  const { status, periodEnd, cancelAtPeriodEnd } = asked.membership;
  const fresh = { id: row.id, status, period_end: periodEnd, cancel_at_period_end: cancelAtPeriodEnd };
  return toResponse(fresh, asked.plan, asked.at);
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
