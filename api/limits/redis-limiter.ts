import { Cluster, type Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { connectRedis } from './connect-redis.ts';
import { coalesceReads, type ReadDayUnits } from './daily-usage.ts';
import { inactivityTimeout } from './inactivity-timeout.ts';
import {
  type Cost,
  dayOf,
  decide,
  EPSILON,
  type Limiter,
  localLimiter,
  type RateDecision,
  type RatePolicy,
} from './local-limiter.ts';

/**
 * The arithmetic of the local limiter inside Redis, with Redis's clock in whole microseconds: all policies in one round trip, all
 * or nothing. When that clock is set back, a minute is refilled from its new time on, instead of once it has caught up.
 * KEYS: the subjects. A value is the debt in units and its time in microseconds, or the units of a day and the day's number.
 * ARGV: a time instead of Redis's, or empty; a day's number and its recorded units, or both empty; then window, limit and cost of
 * each policy.
 * Returns the time and the units used of each policy before the request; the time alone when the count of a day is missing or
 * ARGV records another day.
 */
const CONSUME = `
local clock = redis.call('TIME')
local now = tonumber(ARGV[1]) or clock[1] * 1000000 + clock[2]
local time = string.format('%.0f', now)
local today = math.floor(now / ${DAY_MS * 1000})
local recordedDay, recorded = tonumber(ARGV[2]), tonumber(ARGV[3])
local used, times, setBack, allowed = {}, {}, {}, true
for i, key in ipairs(KEYS) do
  local window, limit, cost = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local units, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  used[i], times[i] = tonumber(units or 0), tonumber(at or (window == 'day' and today or now))
  if window == 'day' then
    if recordedDay ~= today and (recordedDay or not units) then return {time} end
    if times[i] < today then used[i], times[i] = 0, today end
    if recordedDay then used[i] = math.max(used[i], recorded) end
  else
    setBack[i] = now < times[i]
    used[i] = math.max(0, used[i] - math.max(0, now - times[i]) * limit / ${MINUTE_MS * 1000})
    times[i] = now
  end
  if used[i] + cost - limit > ${EPSILON} then allowed = false end
end
local result = {time}
for i, key in ipairs(KEYS) do
  local window, limit, cost = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  result[i + 1] = string.format('%.17g', used[i])
  local after = allowed and math.max(0, used[i] + cost) or used[i]
  if allowed or setBack[i] or (window == 'day' and recordedDay) then
    local keep = ${2 * DAY_MS}
    if window == 'minute' then keep = math.max(1, math.ceil(after * ${MINUTE_MS} / limit)) end
    if window == 'minute' and after == 0 then
      redis.call('DEL', key)
    else
      redis.call('SET', key, string.format('%.17g %.0f', after, times[i]), 'PX', keep)
    end
  end
end
return result`;

/** Redis counts as unavailable after this long without a response. */
const SILENCE_MS = 250;
/** Time between a failure and the next attempt, which no request waits for. */
const RETRY_MS = 1_000;
/** Maximum age of a user's recorded usage of the day while Redis is unavailable. */
const REREAD_MS = 1_000;
const ATTEMPTS = 3;
const SEEDED_MAX = 100_000;
const PREFIX = 'wm:rate:';

type ConsumeCommand = { consumeRateLimit(keys: number, ...keysAndArguments: (string | number)[]): Promise<string[]> };

interface RedisLimiterOptions {
  /** As for `connectRedis`. */
  url: string;
  readDayUnits: ReadDayUnits;
  /** Number of nodes that share a limit per minute while Redis is unavailable. */
  expectedNodes: number;
  /** Called when Redis becomes unavailable, and for each failed attempt to connect. */
  onError: (error: Error) => void;
  /** Replaces Redis's clock in tests; milliseconds. */
  clock?: () => number;
}

/**
 * Limits requests on all nodes together. While Redis is unavailable, each node counts for itself with the same arithmetic: its
 * share of a minute, and days starting from the usage recorded in PostgreSQL. After an outage, and where Redis has lost a count,
 * the count of a day is raised to the recorded usage.
 */
export function redisLimiter({ url, readDayUnits, expectedNodes, onError, clock }: RedisLimiterOptions): Limiter {
  const redis = connectRedis(url);
  redis.defineCommand('consumeRateLimit', { lua: CONSUME });
  const commands = redis as unknown as ConsumeCommand;
  const local = localLimiter(readDayUnits, { rereadMs: REREAD_MS, ...(clock && { now: clock }) });
  const readUnits = coalesceReads(readDayUnits);
  const withTimeout = inactivityTimeout(SILENCE_MS);
  let isConnected = false;
  /** Users whose count of the day this node has raised to the recorded usage since the last outage. */
  let seeded = new Set<string>();
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  function onFailure(error: Error): void {
    if (isConnected) onError(error);
    isConnected = false;
    clearTimeout(retry);
    if (!isClosed) retry = setTimeout(reconnect, RETRY_MS).unref();
  }

  /** Loads the script, so that no request finds it missing, and thereby checks that Redis responds. */
  async function reconnect(): Promise<void> {
    const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
    try {
      await withTimeout(Promise.all(nodes.map((node: Redis) => node.script('LOAD', CONSUME))));
      if (redis.status !== 'ready') throw new Error('Redis is not ready');
      seeded = new Set();
      isConnected = true;
    } catch (error) {
      onFailure(error as Error);
    }
  }

  redis.on('error', onError);
  redis.on('ready', reconnect);
  redis.on('close', () => {
    isConnected = false;
  });

  async function consumeShared(policies: readonly RatePolicy[], cost: Cost): Promise<RateDecision> {
    const epoch = seeded;
    const userId = policies.find((policy) => policy.window === 'day')?.userId;
    let day = userId && !epoch.has(userId) ? dayOf((clock ?? Date.now)()) : undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const recorded = userId && day !== undefined ? [day, await readUnits(userId, day)] : ['', ''];
      const [micros, ...used] = await withTimeout(
        commands.consumeRateLimit(
          policies.length,
          ...policies.map(({ subject }) => `${PREFIX}${subject}`),
          clock ? Math.round(clock() * 1000) : '',
          ...recorded,
          ...policies.flatMap(({ window, limit }) => [window, limit, cost[window]]),
        ),
      );
      const time = Number(micros) / 1000;
      if (used.length === policies.length) {
        if (epoch.size >= SEEDED_MAX) epoch.clear();
        if (userId) epoch.add(userId);
        return decide(policies, used.map(Number), cost, time);
      }
      day = dayOf(time);
    }
    throw new Error('Redis lost the count of the day repeatedly');
  }

  const shareOf = (policy: RatePolicy, cost: Cost): RatePolicy => {
    if (policy.window === 'day') return policy;
    // A batch that costs more than the share is allowed when nothing else is used: otherwise it never could be.
    return { ...policy, limit: Math.max(1, cost.minute, Math.floor(policy.limit / expectedNodes)) };
  };

  return {
    get state() {
      return isConnected ? 'redis' : 'redis_unavailable';
    },
    close: () => {
      isClosed = true;
      clearTimeout(retry);
      redis.disconnect();
      local.close();
    },
    async consume(policies, cost, { failClosed = false } = {}) {
      if (isConnected) {
        try {
          return await consumeShared(policies, cost);
        } catch (error) {
          if (error instanceof Problem) throw error;
          onFailure(error as Error);
        }
      }
      if (failClosed) {
        const detail = 'Requests cannot be counted at the moment. Try again in a few seconds.';
        throw new Problem('unavailable', { detail, headers: { 'Retry-After': '2' } });
      }
      return local.consume(
        policies.map((policy) => shareOf(policy, cost)),
        cost,
      );
    },
  };
}
