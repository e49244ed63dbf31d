/** How fast something may be called: `perMinute` at once, and as many again over each minute. */
export interface RatePolicy {
  /** Name in the `RateLimit-Policy` header. */
  name: string;
  /** What is counted. Subjects that are taken together share the part in braces, so that a Redis Cluster keeps them on one node. */
  subject: `{${string}}:${string}`;
  perMinute: number;
}

export interface PolicyState {
  policy: RatePolicy;
  /** Calls that would pass at once now. */
  remaining: number;
  /** Seconds until all of the allowance is back. */
  resetSeconds: number;
}

export interface RateDecision {
  allowed: boolean;
  states: PolicyState[];
  /** Names of the policies that refused. */
  violated: string[];
  /** Seconds after which this very call would pass; 0 when it did. */
  retryAfterSeconds: number;
}

/** Counts calls against several policies at once, all or nothing: a call that one policy refuses costs nothing in the others. */
export interface Limiter {
  take(policies: readonly RatePolicy[], cost: number): Promise<RateDecision>;
  /** Where the counting happens now. */
  readonly state: 'local' | 'redis' | 'redis: degraded';
  close(): void;
}

export const MINUTE_MS = 60_000;
/** Keeps rounding in the arithmetic from refusing the last call of an allowance; in calls. */
export const EPSILON = 1e-6;
const PRUNE_EVERY = 10_000;

/**
 * A limiter for one process: a bucket of `perMinute` that refills `perMinute` a minute. What is kept is the debt, counted in
 * calls, not a moment in time: at one instant it only grows by whole numbers, so that of n calls exactly `perMinute` pass.
 * @param now clock in milliseconds
 */
export function localLimiter(now: () => number = Date.now): Limiter {
  const debts = new Map<string, { calls: number; at: number; paidAt: number }>();
  let taken = 0;

  const prune = (time: number) => {
    for (const [subject, { paidAt }] of debts) if (paidAt <= time) debts.delete(subject);
  };

  return {
    state: 'local',
    close: () => debts.clear(),
    async take(policies, cost) {
      const time = now();
      if (++taken % PRUNE_EVERY === 0) prune(time);
      const before = policies.map(({ subject, perMinute }) => {
        const debt = debts.get(subject);
        return debt ? Math.max(0, debt.calls - (Math.max(0, time - debt.at) * perMinute) / MINUTE_MS) : 0;
      });
      const decision = decide(policies, before, cost);
      if (decision.allowed) {
        for (const [i, { subject, perMinute }] of policies.entries()) {
          const calls = (before[i] as number) + cost;
          // A clock that is set back pays nothing until it is where it was.
          const at = Math.max(time, debts.get(subject)?.at ?? time);
          debts.set(subject, { calls, at, paidAt: at + (calls * MINUTE_MS) / perMinute });
        }
      }
      return decision;
    },
  };
}

/**
 * The arithmetic of every limiter: whether a call of this cost passes.
 * @param debts calls not yet paid back by time before this one, in the order of the policies
 */
export function decide(policies: readonly RatePolicy[], debts: readonly number[], cost: number): RateDecision {
  const asked = policies.map((policy, i) => {
    const before = debts[i] as number;
    return { policy, before, over: before + cost - policy.perMinute };
  });
  const refused = asked.filter(({ over }) => over > EPSILON);
  const allowed = refused.length === 0;
  const waits = refused.map(({ policy, over }) => (over * MINUTE_MS) / policy.perMinute);
  return {
    allowed,
    violated: refused.map(({ policy }) => policy.name),
    retryAfterSeconds: Math.ceil(Math.max(0, ...waits) / 1000),
    states: asked.map(({ policy, before }) => stateOf(policy, allowed ? before + cost : before)),
  };
}

function stateOf(policy: RatePolicy, debt: number): PolicyState {
  return {
    policy,
    remaining: Math.max(0, Math.floor(policy.perMinute - debt + EPSILON)),
    resetSeconds: Math.ceil((debt * MINUTE_MS) / policy.perMinute / 1000),
  };
}
