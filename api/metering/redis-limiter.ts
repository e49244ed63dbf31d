import { Redis } from 'ioredis';
import { decide, EPSILON, type Limiter, localLimiter, MINUTE_MS, type RatePolicy } from './limiter.ts';

/**
 * The local limiter's arithmetic inside Redis, by Redis's own clock in whole microseconds: all policies in one round trip,
 * all or nothing. KEYS: a subject each, holding its debt in calls and when that was. ARGV: the cost, then `perMinute` of
 * each. Answers each debt before the call.
 */
const TAKE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost = tonumber(ARGV[1])
local debts, moments, allowed = {}, {}, true
for i, key in ipairs(KEYS) do
  local perMinute = tonumber(ARGV[i + 1])
  local calls, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  debts[i], moments[i] = tonumber(calls or 0), tonumber(at or now)
  if now > moments[i] then
    debts[i] = math.max(0, debts[i] - (now - moments[i]) * perMinute / ${MINUTE_MS * 1000})
    moments[i] = now
  end
  if debts[i] + cost - perMinute > ${EPSILON} then allowed = false end
end
local answer = {}
for i, key in ipairs(KEYS) do
  answer[i] = string.format('%.17g', debts[i])
  if allowed then
    local paid = (debts[i] + cost) * ${MINUTE_MS} / ARGV[i + 1] + (moments[i] - now) / 1000
    redis.call('SET', key, string.format('%.17g %.0f', debts[i] + cost, moments[i]), 'PX', math.ceil(paid))
  end
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
    const debts = await redis.takeAllowance(keys.length, ...keys, cost, ...limits);
    return decide(policies, debts.map(Number), cost);
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
