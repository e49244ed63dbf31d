/** How fast something may be called: `perMinute` at once, and as many again over each minute. */
export interface RatePolicy {
  /** Name in the `RateLimit-Policy` header. */
  name: string;
  /** What is counted, such as a user or a key. */
  subject: string;
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
}

const MINUTE_MS = 60_000;
/** Keeps rounding in the arithmetic from refusing the last call of an allowance. */
const EPSILON_MS = 1e-6;
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
    async take(policies, cost) {
      const time = now();
      if (++taken % PRUNE_EVERY === 0) prune(time);
      const asked = policies.map((policy) => weigh(policy, arrivals.get(policy.subject) ?? time, time, cost));
      const refused = asked.filter((answer) => answer.waitMs > EPSILON_MS);
      const allowed = refused.length === 0;
      if (allowed) for (const { policy, next } of asked) arrivals.set(policy.subject, next);
      return {
        allowed,
        violated: refused.map(({ policy }) => policy.name),
        retryAfterSeconds: Math.ceil(Math.max(0, ...refused.map(({ waitMs }) => waitMs)) / 1000),
        states: asked.map(({ policy, next, before }) => stateOf(policy, allowed ? next : before, time)),
      };
    },
  };
}

function weigh(policy: RatePolicy, arrival: number, time: number, cost: number) {
  const interval = MINUTE_MS / policy.perMinute;
  const before = Math.max(arrival, time);
  const next = before + cost * interval;
  return { policy, before, next, waitMs: next - MINUTE_MS - time };
}

function stateOf(policy: RatePolicy, arrival: number, time: number): PolicyState {
  const interval = MINUTE_MS / policy.perMinute;
  return {
    policy,
    remaining: Math.max(0, Math.floor((time + MINUTE_MS - arrival + EPSILON_MS) / interval)),
    resetSeconds: Math.max(0, Math.ceil((arrival - time) / 1000)),
  };
}
