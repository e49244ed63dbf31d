import { LRUCache } from 'lru-cache';
import type { PlanName } from '../../db/queries/accounts/users.ts';
import type { WhopConfig } from '../config.ts';
import type { WhopMembership } from './payload.ts';
import { LOWEST_TIER, tierOf } from './tiers.ts';
import type { WhopClient } from './whop-client.ts';

/** Seconds for which Whop's response is cached. */
export const LICENSE_CACHE_SECONDS = 30;
const CACHED_MAX = 10_000;

interface CheckedLicense {
  membership: WhopMembership;
  plan: PlanName;
  /** Time of the request to Whop. */
  at: Date;
}

/**
 * Fetches a membership from Whop, each at most once in {@link LICENSE_CACHE_SECONDS} seconds.
 * @throws WhopError
 */
export type LicenseCheck = (membershipId: string) => Promise<CheckedLicense>;

/** Creates a license check with its own cache. */
export function createLicenseCheck({
  whop,
  config,
  now,
}: {
  whop: WhopClient;
  config: WhopConfig;
  now: () => Date;
}): LicenseCheck {
  const answers = new LRUCache<string, { until: number; answer: Promise<CheckedLicense> }>({ max: CACHED_MAX });

  const ask = async (id: string, at: Date): Promise<CheckedLicense> => {
    const membership = await whop.membership(id);
    return { membership, plan: tierOf(membership, config.plans) ?? LOWEST_TIER, at };
  };
  return (id) => {
    const at = now();
    const kept = answers.get(id);
    if (kept && kept.until > at.getTime()) return kept.answer;
    const answer = ask(id, at);
    // A failed request is not cached.
    answer.catch(() => answers.delete(id));
    answers.set(id, { until: at.getTime() + LICENSE_CACHE_SECONDS * 1000, answer });
    return answer;
  };
}
