import type { LimitOverrides, PlanName } from '../../db/queries/accounts/users.ts';
import type { Transport } from '../../db/queries/usage/events.ts';

export interface PlanLimits {
  requests_per_minute: number;
  /** Quota units per UTC day. */
  requests_per_day: number;
  storage_bytes: number;
  /** Memory operations over REST; every plan has MCP. */
  rest: boolean;
  /** Outgoing webhooks. */
  webhooks: boolean;
}

const MB = 1_000_000;

/** Days between the end of an account's last plan, or its deletion by the owner, and its purge. */
export const READ_ONLY_DAYS = 30;

export interface Plan {
  /** Text for people. */
  price: string;
  /** One sentence for people. */
  purpose: string;
  /** Support in words, with the time until a response. */
  support: string;
  limits: PlanLimits;
}

/** Prices and limits of the plans: the only table of them. */
export const PLANS: Record<PlanName, Plan> = {
  free: {
    price: '$0',
    purpose: 'One person trying it out with an IDE agent.',
    support: 'The documentation; e-mails are read, without a promised time.',
    limits: limits(10, 100, 10 * MB, { rest: false, webhooks: false }),
  },
  starter: {
    price: '$10 a month',
    purpose: 'One person who works with agents every day, and with programs of their own.',
    support: 'E-mail support: a response within two working days.',
    limits: limits(60, 5_000, 100 * MB, { rest: true, webhooks: false }),
  },
  pro: {
    price: '$30 a month',
    purpose: 'A team or a product that is built on memories.',
    support: 'Priority e-mail support: a response within one working day.',
    limits: limits(300, 50_000, 1_000 * MB, { rest: true, webhooks: true }),
  },
  enterprise: {
    price: 'custom',
    purpose: 'A company with many agents; limits by agreement.',
    support: 'Dedicated support: a response within four working hours, and a service level agreement.',
    limits: limits(1_000, 1_000_000, 10_000 * MB, { rest: true, webhooks: true }),
  },
};

export const PLAN_NAMES = Object.keys(PLANS) as PlanName[];

/**
 * Calls a minute of a signed-in browser, and of all browsers of an account together. They are independent of the plan, of whose calls
 * they take none.
 */
export const SESSION_CALLS_PER_MINUTE = { session: 600, account: 1_200 };

/** Lists the plans with prices and limits. */
export function listPlans() {
  const results = PLAN_NAMES.map((name) => {
    const { price, purpose, support, limits } = PLANS[name];
    const { rest, ...listed } = limits;
    const transports: Transport[] = ['dashboard', 'mcp_http', 'mcp_stdio', ...(rest ? (['rest'] as const) : [])];
    return { name, price, purpose, support, ...listed, transports };
  });
  return { results };
}

/** Returns the limits of a user: those of the plan, replaced by the overrides. */
export function limitsOf(plan: PlanName, overrides: LimitOverrides): PlanLimits {
  return { ...PLANS[plan].limits, ...overrides };
}

function limits(
  requests_per_minute: number,
  requests_per_day: number,
  storage_bytes: number,
  features: Pick<PlanLimits, 'rest' | 'webhooks'>,
): PlanLimits {
  return { requests_per_minute, requests_per_day, storage_bytes, ...features };
}
