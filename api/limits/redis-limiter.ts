import { Cluster, type Redis } from 'ioredis';
import { Problem } from '../errors.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { connectRedis } from './connect-redis.ts';
import { type ReadDayUnits, sharedReader } from './daily-usage.ts';
import { answerWatch } from './inactivity-timeout.ts';
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
 * The local limiter's arithmetic inside Redis, by Redis's own clock in whole microseconds: all policies in one round trip,
 * all or nothing. KEYS: a subject each, holding its debt in calls and when that was, or the calls of a day and which day.
 * ARGV: a clock instead of Redis's or nothing; the day that is on record and its calls, or nothing; then window, limit and cost
 * of each. Answers the time and how much of each was used before the call; the time alone when the count of a day is missing, or
 * what is on record is of another day.
 */
const TAKE = `
local clock = redis.call('TIME')
local now = tonumber(ARGV[1]) or clock[1] * 1000000 + clock[2]
local time = string.format('%.0f', now)
local today = math.floor(now / ${DAY_MS * 1000})
local recordedDay, recorded = tonumber(ARGV[2]), tonumber(ARGV[3])
local used, moments, allowed = {}, {}, true
for i, key in ipairs(KEYS) do
  local window, limit, cost = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local calls, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  used[i], moments[i] = tonumber(calls or 0), tonumber(at or (window == 'day' and today or now))
  if window == 'day' then
    if recordedDay ~= today and (recordedDay or not calls) then return {time} end
    if moments[i] < today then used[i], moments[i] = 0, today end
    if recordedDay then used[i] = math.max(used[i], recorded) end
  elseif now > moments[i] then
    used[i] = math.max(0, used[i] - (now - moments[i]) * limit / ${MINUTE_MS * 1000})
    moments[i] = now
  end
  if used[i] + cost - limit > ${EPSILON} then allowed = false end
end
local answer = {time}
for i, key in ipairs(KEYS) do
  local window, limit, cost = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  answer[i + 1] = string.format('%.17g', used[i])
  local after = allowed and math.max(0, used[i] + cost) or used[i]
  if allowed or (window == 'day' and recordedDay) then
    local keep = ${2 * DAY_MS}
    if window == 'minute' then keep = math.max(1, math.ceil(after * ${MINUTE_MS} / limit + (moments[i] - now) / 1000)) end
    if window == 'minute' and after == 0 then
      redis.call('DEL', key)
    else
      redis.call('SET', key, string.format('%.17g %.0f', after, moments[i]), 'PX', keep)
    end
  end
end
return answer`;

/** Redis counts as away when it has answered nothing for so long. */
const SILENCE_MS = 250;
/** After a failure Redis is left alone this long, and asked again without a call waiting for it. */
const LEAVE_ALONE_MS = 1_000;
/** How old a node's knowledge of a day may be while Redis is away. */
const REREAD_MS = 1_000;
const TRIES = 3;
const SEEDED_MAX = 100_000;
const PREFIX = 'wm:rate:';

type Taking = { takeAllowance(keys: number, ...keysAndArguments: (string | number)[]): Promise<string[]> };

export interface RedisLimiterOptions {
  /** As of `connectRedis`. */
  url: string;
  readDayUnits: ReadDayUnits;
  /** Nodes that share a minute's allowance while Redis is away. */
  expectedNodes: number;
  /** Told when Redis goes away, and of each attempt to connect that fails. */
  onError: (error: Error) => void;
  /** Instead of Redis's own, in milliseconds: for tests. */
  clock?: () => number;
}

/**
 * A limiter that all nodes share. While Redis is away each node counts for itself by the same arithmetic: its share of a
 * minute, and days with what PostgreSQL has on record. Whenever Redis has been away, and where it has lost a count, what is on
 * record goes before: a count never falls below it.
 */
export function redisLimiter({ url, readDayUnits, expectedNodes, onError, clock }: RedisLimiterOptions): Limiter {
  const redis = connectRedis(url);
  redis.defineCommand('takeAllowance', { lua: TAKE });
  const taking = redis as unknown as Taking;
  const local = localLimiter(readDayUnits, { rereadMs: REREAD_MS, ...(clock && { now: clock }) });
  const readUnits = sharedReader(readDayUnits);
  const inTime = answerWatch(SILENCE_MS);
  let together = false;
  /** Users whose day this node has compared with the record since Redis was last away. */
  let seeded = new Set<string>();
  let retry: NodeJS.Timeout | undefined;
  let over = false;

  function leaveAlone(error: Error): void {
    if (together) onError(error);
    together = false;
    clearTimeout(retry);
    if (!over) retry = setTimeout(meet, LEAVE_ALONE_MS).unref();
  }

  /** Loading the script is the proof that Redis answers; and no call meets it unloaded. */
  async function meet(): Promise<void> {
    const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
    try {
      await inTime(Promise.all(nodes.map((node: Redis) => node.script('LOAD', TAKE))));
      if (redis.status !== 'ready') throw new Error('Redis is not ready');
      seeded = new Set();
      together = true;
    } catch (error) {
      leaveAlone(error as Error);
    }
  }

  redis.on('error', onError);
  redis.on('ready', meet);
  redis.on('close', () => {
    together = false;
  });

  async function takeShared(policies: readonly RatePolicy[], cost: Cost): Promise<RateDecision> {
    const epoch = seeded;
    const userId = policies.find((policy) => policy.window === 'day')?.userId;
    let day = userId && !epoch.has(userId) ? dayOf((clock ?? Date.now)()) : undefined;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const recorded = userId && day !== undefined ? [day, await readUnits(userId, day)] : ['', ''];
      const [micros, ...used] = await inTime(
        taking.takeAllowance(
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
    throw new Error('Redis keeps losing the counts of a day');
  }

  const shareOf = (policy: RatePolicy, cost: Cost): RatePolicy => {
    if (policy.window === 'day') return policy;
    // A batch that is larger than the share may still pass, alone: it could otherwise never.
    return { ...policy, limit: Math.max(1, cost.minute, Math.floor(policy.limit / expectedNodes)) };
  };

  return {
    get state() {
      return together ? 'redis' : 'redis: degraded';
    },
    close: () => {
      over = true;
      clearTimeout(retry);
      redis.disconnect();
      local.close();
    },
    async take(policies, cost, { closed = false } = {}) {
      if (together) {
        try {
          return await takeShared(policies, cost);
        } catch (error) {
          if (error instanceof Problem) throw error;
          leaveAlone(error as Error);
        }
      }
      if (closed) {
        const detail = 'This waits until calls can be counted again. Try again in a few seconds.';
        throw new Problem('unavailable', { detail, headers: { 'Retry-After': '2' } });
      }
      return local.take(
        policies.map((policy) => shareOf(policy, cost)),
        cost,
      );
    },
  };
}
