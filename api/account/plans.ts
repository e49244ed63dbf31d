import type { LimitOverrides, PlanName } from '../../db/users.ts';

export interface PlanLimits {
  requests_per_minute: number;
  storage_bytes: number;
  /** Memories over REST; MCP is open to every plan. */
  rest: boolean;
}

const MB = 1_000_000;

/** What each plan sells. The one table of it. */
export const PLANS: Record<PlanName, PlanLimits> = {
  free: { requests_per_minute: 10, storage_bytes: 10 * MB, rest: false },
  starter: { requests_per_minute: 60, storage_bytes: 100 * MB, rest: true },
  pro: { requests_per_minute: 300, storage_bytes: 1_000 * MB, rest: true },
  enterprise: { requests_per_minute: 1_000, storage_bytes: 10_000 * MB, rest: true },
};

export const PLAN_NAMES = Object.keys(PLANS) as PlanName[];

/** The limits of a user: the plan's, with the overrides in their place. */
export function limitsOf(plan: PlanName, overrides: LimitOverrides): PlanLimits {
  return { ...PLANS[plan], ...overrides };
}
