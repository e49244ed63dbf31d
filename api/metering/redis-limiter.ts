import { Redis } from 'ioredis';
import { decide, EPSILON_MS, type Limiter, localLimiter, MINUTE_MS, type RatePolicy } from './limiter.ts';

/**
 * The local limiter's arithmetic inside Redis, by Redis's own clock: all policies in one round trip, all or nothing.
 * KEYS: a subject each. ARGV: the cost, then `perMinute` of each. Answers the time and each arrival before the call.
 */
const TAKE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local arrivals, nexts, allowed = {}, {}, true
for i, key in ipairs(KEYS) do
  arrivals[i] = math.max(tonumber(redis.call('GET', key) or now), now)
  nexts[i] = arrivals[i] + ARGV[1] * ${MINUTE_MS} / ARGV[i + 1]
  if nexts[i] - ${MINUTE_MS} - now > ${EPSILON_MS} then allowed = false end
end
local answer = { string.format('%.17g', now) }
for i, key in ipairs(KEYS) do
  answer[i + 1] = string.format('%.17g', arrivals[i])
  if allowed then redis.call('SET', key, string.format('%.17g', nexts[i]), 'PX', math.ceil(nexts[i] - now)) end
end
return answer`;

const COMMAND_TIMEOUT_MS = 250;
/** After a failure Redis is left alone this long, so that not every call pays for its absence. */
const LEAVE_ALONE_MS = 1_000;
const PREFIX = 'wm:rate:';

type TakingRedis = Redis & {
  takeAllowance(keys: number, ...keysAndArguments: (string | number)[]): Promise<string[]>;
};

/**
 * A limiter that all nodes share. While Redis is away each node counts for itself by the same arithmetic: calls go on, the limit
 * holds per node, and `state` says so.
 */
export function redisLimiter(url: string, onError: (error: Error) => void): Limiter {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  }) as TakingRedis;
  redis.defineCommand('takeAllowance', { lua: TAKE });
  redis.on('error', onError);
  const local = localLimiter();
  let awayUntil = 0;

  const takeShared = async (policies: readonly RatePolicy[], cost: number) => {
    const keys = policies.map(({ subject }) => `${PREFIX}${subject}`);
    const limits = policies.map(({ perMinute }) => perMinute);
    const [time, ...arrivals] = (await redis.takeAllowance(keys.length, ...keys, cost, ...limits)).map(Number);
    return decide(policies, arrivals, time as number, cost);
  };

  return {
    get state() {
      return redis.status === 'ready' && Date.now() >= awayUntil ? 'redis' : 'redis: degraded';
    },
    close: () => {
      redis.disconnect();
      local.close();
    },
    async take(policies, cost) {
      if (redis.status !== 'ready' || Date.now() < awayUntil) return local.take(policies, cost);
      try {
        return await takeShared(policies, cost);
      } catch (error) {
        awayUntil = Date.now() + LEAVE_ALONE_MS;
        onError(error as Error);
        return local.take(policies, cost);
      }
    },
  };
}
