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
/** Keeps rounding in the arithmetic from refusing the last call of an allowance. */
export const EPSILON_MS = 1e-6;
const PRUNE_EVERY = 10_000;

/**
 * A limiter for one process: a token bucket of `perMinute` kept as one number, the theoretical arrival time of GCRA
 * (ITU-T I.371): of n calls at one instant exactly `perMinute` pass.
 * @param now clock in milliseconds
 */
export function localLimiter(now: () => number = Date.now): Limiter {
  const arrivals = new Map<string, number>();
  let taken = 0;

  const prune = (time: number) => {
    for (const [subject, arrival] of arrivals) if (arrival <= time) arrivals.delete(subject);
  };

  return {
    state: 'local',
    close: () => arrivals.clear(),
    async take(policies, cost) {
      const time = now();
      if (++taken % PRUNE_EVERY === 0) prune(time);
      const before = policies.map(({ subject }) => arrivals.get(subject) ?? time);
      const decision = decide(policies, before, time, cost);
      if (decision.allowed) {
        for (const [i, policy] of policies.entries()) {
          arrivals.set(policy.subject, nextArrival(policy, before[i] as number, time, cost));
        }
      }
      return decision;
    },
  };
}

/**
 * The arithmetic of every limiter: whether a call of this cost passes, from each policy's arrival time before it.
 * @param arrivals in milliseconds, in the order of the policies
 */
export function decide(
  policies: readonly RatePolicy[],
  arrivals: readonly number[],
  time: number,
  cost: number,
): RateDecision {
  const asked = policies.map((policy, i) => {
    const before = Math.max(arrivals[i] as number, time);
    const next = nextArrival(policy, before, time, cost);
    return { policy, before, next, waitMs: next - MINUTE_MS - time };
  });
  const refused = asked.filter(({ waitMs }) => waitMs > EPSILON_MS);
  const allowed = refused.length === 0;
  return {
    allowed,
    violated: refused.map(({ policy }) => policy.name),
    retryAfterSeconds: Math.ceil(Math.max(0, ...refused.map(({ waitMs }) => waitMs)) / 1000),
    states: asked.map(({ policy, next, before }) => stateOf(policy, allowed ? next : before, time)),
  };
}

function nextArrival(policy: RatePolicy, arrival: number, time: number, cost: number): number {
  return Math.max(arrival, time) + (cost * MINUTE_MS) / policy.perMinute;
}

function stateOf(policy: RatePolicy, arrival: number, time: number): PolicyState {
  const interval = MINUTE_MS / policy.perMinute;
  return {
    policy,
    remaining: Math.max(0, Math.floor((time + MINUTE_MS - arrival + EPSILON_MS) / interval)),
    resetSeconds: Math.max(0, Math.ceil((arrival - time) / 1000)),
  };
}
