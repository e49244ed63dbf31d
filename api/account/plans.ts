import type { LimitOverrides, PlanName } from '../../db/users.ts';

export interface PlanLimits {
  requests_per_minute: number;
  /** Calls of a UTC day. */
  requests_per_day: number;
  storage_bytes: number;
  /** Memories over REST; MCP is open to every plan. */
  rest: boolean;
  /** Outgoing webhooks. */
  webhooks: boolean;
}

const MB = 1_000_000;

/** What each plan sells. The one table of it. */
export const PLANS: Record<PlanName, PlanLimits> = {
  free: plan(10, 100, 10 * MB, { rest: false, webhooks: false }),
  starter: plan(60, 5_000, 100 * MB, { rest: true, webhooks: false }),
  pro: plan(300, 50_000, 1_000 * MB, { rest: true, webhooks: true }),
  enterprise: plan(1_000, 1_000_000, 10_000 * MB, { rest: true, webhooks: true }),
};

export const PLAN_NAMES = Object.keys(PLANS) as PlanName[];

/** The limits of a user: the plan's, with the overrides in their place. */
export function limitsOf(plan: PlanName, overrides: LimitOverrides): PlanLimits {
  return { ...PLANS[plan], ...overrides };
}

function plan(
  requests_per_minute: number,
  requests_per_day: number,
  storage_bytes: number,
  doors: Pick<PlanLimits, 'rest' | 'webhooks'>,
): PlanLimits {
  return { requests_per_minute, requests_per_day, storage_bytes, ...doors };
}
