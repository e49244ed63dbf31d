import { DAY_MS, MINUTE_MS } from '../time.ts';
import { coalesceReads, type ReadDayUnits } from './daily-usage.ts';

interface BasePolicy {
  /** Name in the `RateLimit-Policy` header. */
  name: string;
  /** Key of the count. Subjects that are consumed together share the hash tag in braces, so a Redis Cluster keeps them on one node. */
  subject: `{${string}}:${string}`;
  /** Quota units per window. */
  limit: number;
}

/** A token bucket: allows bursts of `limit`, and refills `limit` per minute. */
export interface MinutePolicy extends BasePolicy {
  window: 'minute';
}

/** Allows a user `limit` per UTC day. The count starts from the user's recorded usage of that day. */
interface DayPolicy extends BasePolicy {
  window: 'day';
  userId: string;
}

export type RatePolicy = MinutePolicy | DayPolicy;

/** Quota units that a request costs, by window. A negative cost returns units, at most as many as are used. */
export interface Cost {
  minute: number;
  day: number;
}

export const ONE_REQUEST: Cost = { minute: 1, day: 1 };

interface PolicyState {
  policy: RatePolicy;
  /** Quota units that are available now. */
  remaining: number;
  /** Seconds until more are: the next unit of a minute, midnight UTC for a day. 0 for a minute of which nothing is used. */
  resetSeconds: number;
}

export interface RateDecision {
  allowed: boolean;
  states: PolicyState[];
  /** The policies that rejected the request. */
  violated: PolicyState[];
  /** Seconds until the same request would be allowed; 0 if it was. */
  retryAfterSeconds: number;
  /** The same as a time by the limiter's clock. */
  retryAt: Date;
}

/** Counts requests against several policies, all or nothing: a request that one policy rejects costs nothing in the others. */
export interface Limiter {
  /**
   * @param options.failClosed throws while the shared count is unavailable, instead of counting for this node alone
   * @throws Problem `unavailable` when PostgreSQL cannot be read for the count of a day, or with `failClosed`
   */
  consume(policies: readonly RatePolicy[], cost: Cost, options?: { failClosed?: boolean }): Promise<RateDecision>;
  /** Where requests are counted now. */
  readonly state: 'local' | 'redis' | 'redis_unavailable';
  close(): void;
}

/** Tolerance for rounding, in quota units: without it the last request of a quota could be rejected. */
export const EPSILON = 1e-6;
const PRUNE_EVERY = 10_000;

interface LocalLimiterOptions {
  /** Clock in milliseconds, by which days begin. */
  now?: () => number;
  /** Milliseconds of a monotonic clock, by which minutes are refilled. Default: that of the process, or `now` where it is given. */
  elapsed?: () => number;
  /** Maximum age of a user's recorded usage of the day, in milliseconds, where other nodes count too. By default it is read once. */
  rereadMs?: number;
}

/**
 * Limits requests within one process. A minute is kept as a debt in quota units rather than as a timestamp: at one instant it
 * changes by whole numbers only, so of n concurrent requests exactly `limit` are allowed. A day is kept as units, starting from
 * the recorded usage.
 */
export function localLimiter(readDayUnits: ReadDayUnits, options: LocalLimiterOptions = {}): Limiter {
  const { now = Date.now, elapsed = options.now ?? (() => performance.now()) } = options;
  const { rereadMs = Number.POSITIVE_INFINITY } = options;
  const readUnits = coalesceReads(readDayUnits);
  const debts = new Map<string, { units: number; at: number; paidAt: number }>();
  const days = new Map<string, { units: number; day: number; readAt: number }>();
  let requests = 0;

  const prune = (time: number, tick: number) => {
    for (const [subject, { paidAt }] of debts) if (paidAt <= tick) debts.delete(subject);
    for (const [subject, { day }] of days) if (day < dayOf(time)) days.delete(subject);
  };

  async function readDay({ subject, userId }: DayPolicy): Promise<void> {
    const readAt = now();
    const known = days.get(subject);
    if (known && readAt - known.readAt < rereadMs) return;
    const day = dayOf(readAt);
    const recorded = await readUnits(userId, day);
    const counted = days.get(subject);
    // A day that started during the query has no recorded usage.
    if (counted && counted.day > day) return;
    days.set(subject, { day, units: Math.max(recorded, counted?.day === day ? counted.units : 0), readAt });
  }

  /** @param tick time of the monotonic clock */
  const usedOf = ({ window, subject, limit }: RatePolicy, time: number, tick: number): number => {
    if (window === 'day') {
      const counted = days.get(subject);
      return counted && counted.day >= dayOf(time) ? counted.units : 0;
    }
    const debt = debts.get(subject);
    if (!debt) return 0;
    // An injected clock may be set back: the refill then goes on from its new time, instead of waiting until it has caught up.
    if (debt.at > tick) {
      debt.paidAt -= debt.at - tick;
      debt.at = tick;
    }
    return Math.max(0, debt.units - ((tick - debt.at) * limit) / MINUTE_MS);
  };

  const setUsed = ({ window, subject, limit }: RatePolicy, units: number, time: number, tick: number) => {
    if (window === 'day') {
      const counted = days.get(subject);
      const day = Math.max(dayOf(time), counted?.day ?? 0);
      days.set(subject, { units, day, readAt: counted?.readAt ?? time });
    } else if (units === 0) {
      debts.delete(subject);
    } else {
      debts.set(subject, { units, at: tick, paidAt: tick + (units * MINUTE_MS) / limit });
    }
  };

  return {
    state: 'local',
    close: () => {
      debts.clear();
      days.clear();
    },
    async consume(policies, cost) {
      for (const policy of policies) if (policy.window === 'day') await readDay(policy);
      // Nothing is awaited from here on, so no other request is decided in between.
      const [time, tick] = [now(), elapsed()];
      if (++requests % PRUNE_EVERY === 0) prune(time, tick);
      const used = policies.map((policy) => usedOf(policy, time, tick));
      const decision = decide(policies, used, cost, time);
      if (decision.allowed) {
        for (const [i, policy] of policies.entries()) {
          setUsed(policy, usedAfter(policy, used[i] as number, cost), time, tick);
        }
      }
      return decision;
    },
  };
}

/**
 * Decides whether a request of this cost is allowed: the arithmetic that all limiters share.
 * @param used quota units before this request, in the order of the policies: of a minute those not yet refilled
 * @param time milliseconds by the clock that `used` was read with
 */
export function decide(
  policies: readonly RatePolicy[],
  used: readonly number[],
  cost: Cost,
  time: number,
): RateDecision {
  const checked = policies.map((policy, i) => {
    const before = used[i] as number;
    return { policy, before, over: before + cost[policy.window] - policy.limit };
  });
  const rejecting = checked.filter(({ over }) => over > EPSILON);
  const allowed = rejecting.length === 0;
  const waitsMs = rejecting.map(({ policy, over }) =>
    policy.window === 'day' ? untilMidnightMs(time) : (over * MINUTE_MS) / policy.limit,
  );
  const waitMs = Math.max(0, ...waitsMs);
  return {
    allowed,
    violated: rejecting.map(({ policy, before }) => stateOf(policy, before, time)),
    retryAfterSeconds: Math.ceil(waitMs / 1000),
    retryAt: new Date(Math.ceil(time + waitMs)),
    states: checked.map(({ policy, before }) =>
      stateOf(policy, allowed ? usedAfter(policy, before, cost) : before, time),
    ),
  };
}

function usedAfter({ window }: RatePolicy, used: number, cost: Cost): number {
  return Math.max(0, used + cost[window]);
}

/** Returns the number of the UTC day of a time in milliseconds. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

function stateOf(policy: RatePolicy, used: number, time: number): PolicyState {
  const { limit, window } = policy;
  const remaining = Math.max(0, Math.floor(limit - used + EPSILON));
  // Until the next unit, not until the full limit: `Retry-After` must not be earlier.
  const nextUnitMs = remaining < limit ? ((used - (limit - remaining - 1)) * MINUTE_MS) / limit : 0;
  return { policy, remaining, resetSeconds: Math.ceil((window === 'day' ? untilMidnightMs(time) : nextUnitMs) / 1000) };
}

function untilMidnightMs(time: number): number {
  return (dayOf(time) + 1) * DAY_MS - time;
}
