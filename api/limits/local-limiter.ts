import { DAY_MS, MINUTE_MS } from '../time.ts';
import { type ReadDayUnits, sharedReader } from './daily-usage.ts';

interface Allowance {
  /** Name in the `RateLimit-Policy` header. */
  name: string;
  /** What is counted. Subjects that are taken together share the part in braces, so that a Redis Cluster keeps them on one node. */
  subject: `{${string}}:${string}`;
  /** Calls of one window. */
  limit: number;
}

/** `limit` calls at once, and as many again over each minute. */
export interface MinutePolicy extends Allowance {
  window: 'minute';
}

/** `limit` calls of a UTC day of a user, whose recorded usage the count begins with. */
export interface DayPolicy extends Allowance {
  window: 'day';
  userId: string;
}

export type RatePolicy = MinutePolicy | DayPolicy;

/** Calls that one call counts as, by window. Below zero it gives back what was taken; never more than is used. */
export interface Cost {
  minute: number;
  day: number;
}

export const ONE_CALL: Cost = { minute: 1, day: 1 };

export interface PolicyState {
  policy: RatePolicy;
  /** Calls that would pass at once now. */
  remaining: number;
  /** Seconds until more would: the next call of the minute, the whole of the next UTC day. 0 when nothing is used of a minute. */
  resetSeconds: number;
}

export interface RateDecision {
  allowed: boolean;
  states: PolicyState[];
  /** The policies that refused, as they stand. */
  violated: PolicyState[];
  /** Seconds after which this very call would pass; 0 when it did. */
  retryAfterSeconds: number;
  /** The same as a moment of the limiter's clock. */
  retryAt: Date;
}

/** Counts calls against several policies at once, all or nothing: a call that one policy refuses costs nothing in the others. */
export interface Limiter {
  /**
   * @param options.closed refuses while nodes that count together cannot, instead of counting for this node alone
   * @throws Problem `unavailable` when a day cannot be counted for want of PostgreSQL, or by `closed`
   */
  take(policies: readonly RatePolicy[], cost: Cost, options?: { closed?: boolean }): Promise<RateDecision>;
  /** Where the counting happens now. */
  readonly state: 'local' | 'redis' | 'redis: degraded';
  close(): void;
}

/** Keeps rounding in the arithmetic from refusing the last call of an allowance; in calls. */
export const EPSILON = 1e-6;
const PRUNE_EVERY = 10_000;

export interface LocalOptions {
  /** Clock in milliseconds. */
  now?: () => number;
  /** How old what was read of a user's day may be, where others count too. By default it is read once. */
  rereadMs?: number;
}

/**
 * A limiter for one process. Of a minute it keeps the debt, counted in calls, not a moment in time: at one instant it only grows
 * by whole numbers, so that of n calls exactly the limit pass. Of a day it keeps the calls, beginning with those on record.
 */
export function localLimiter(readDayUnits: ReadDayUnits, options: LocalOptions = {}): Limiter {
  const { now = Date.now, rereadMs = Number.POSITIVE_INFINITY } = options;
  const readUnits = sharedReader(readDayUnits);
  const debts = new Map<string, { calls: number; at: number; paidAt: number }>();
  const days = new Map<string, { units: number; day: number; readAt: number }>();
  let taken = 0;

  const prune = (time: number) => {
    for (const [subject, { paidAt }] of debts) if (paidAt <= time) debts.delete(subject);
    for (const [subject, { day }] of days) if (day < dayOf(time)) days.delete(subject);
  };

  async function readDay({ subject, userId }: DayPolicy): Promise<void> {
    const readAt = now();
    const known = days.get(subject);
    if (known && readAt - known.readAt < rereadMs) return;
    const day = dayOf(readAt);
    const recorded = await readUnits(userId, day);
    const counted = days.get(subject);
    // A day that began while we read has nothing on record.
    if (counted && counted.day > day) return;
    days.set(subject, { day, units: Math.max(recorded, counted?.day === day ? counted.units : 0), readAt });
  }

  const usedOf = ({ window, subject, limit }: RatePolicy, time: number): number => {
    if (window === 'day') {
      const counted = days.get(subject);
      return counted && counted.day >= dayOf(time) ? counted.units : 0;
    }
    const debt = debts.get(subject);
    return debt ? Math.max(0, debt.calls - (Math.max(0, time - debt.at) * limit) / MINUTE_MS) : 0;
  };

  const use = ({ window, subject, limit }: RatePolicy, calls: number, time: number) => {
    if (window === 'day') {
      const counted = days.get(subject);
      const day = Math.max(dayOf(time), counted?.day ?? 0);
      days.set(subject, { units: calls, day, readAt: counted?.readAt ?? time });
    } else if (calls === 0) {
      debts.delete(subject);
    } else {
      // A clock that is set back pays nothing until it is where it was.
      const at = Math.max(time, debts.get(subject)?.at ?? time);
      debts.set(subject, { calls, at, paidAt: at + (calls * MINUTE_MS) / limit });
    }
  };

  return {
    state: 'local',
    close: () => {
      debts.clear();
      days.clear();
    },
    async take(policies, cost) {
      for (const policy of policies) if (policy.window === 'day') await readDay(policy);
      // From here on nothing waits: what is decided is taken before another call is looked at.
      const time = now();
      if (++taken % PRUNE_EVERY === 0) prune(time);
      const used = policies.map((policy) => usedOf(policy, time));
      const decision = decide(policies, used, cost, time);
      if (decision.allowed) {
        for (const [i, policy] of policies.entries()) use(policy, after(policy, used[i] as number, cost), time);
      }
      return decision;
    },
  };
}

/**
 * The arithmetic of every limiter: whether a call of this cost passes.
 * @param used calls before this one, in the order of the policies: of a minute those not yet paid back by time
 * @param time milliseconds, by the clock that `used` was read by
 */
export function decide(
  policies: readonly RatePolicy[],
  used: readonly number[],
  cost: Cost,
  time: number,
): RateDecision {
  const asked = policies.map((policy, i) => {
    const before = used[i] as number;
    return { policy, before, over: before + cost[policy.window] - policy.limit };
  });
  const refused = asked.filter(({ over }) => over > EPSILON);
  const allowed = refused.length === 0;
  const waitsMs = refused.map(({ policy, over }) =>
    policy.window === 'day' ? untilMidnightMs(time) : (over * MINUTE_MS) / policy.limit,
  );
  const waitMs = Math.max(0, ...waitsMs);
  return {
    allowed,
    violated: refused.map(({ policy, before }) => stateOf(policy, before, time)),
    retryAfterSeconds: Math.ceil(waitMs / 1000),
    retryAt: new Date(Math.ceil(time + waitMs)),
    states: asked.map(({ policy, before }) => stateOf(policy, allowed ? after(policy, before, cost) : before, time)),
  };
}

function after({ window }: RatePolicy, used: number, cost: Cost): number {
  return Math.max(0, used + cost[window]);
}

/** The number of the UTC day of a moment in milliseconds. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

function stateOf(policy: RatePolicy, used: number, time: number): PolicyState {
  const { limit, window } = policy;
  const remaining = Math.max(0, Math.floor(limit - used + EPSILON));
  // To the next call and not to the whole allowance: `Retry-After` must not lie before it.
  const nextCallMs = remaining < limit ? ((used - (limit - remaining - 1)) * MINUTE_MS) / limit : 0;
  return { policy, remaining, resetSeconds: Math.ceil((window === 'day' ? untilMidnightMs(time) : nextCallMs) / 1000) };
}

function untilMidnightMs(time: number): number {
  return (dayOf(time) + 1) * DAY_MS - time;
}
