import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killRedisUnderLoad } from '../../scripts/chaos/redis-outage.ts';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.skipIf(!hasRedis)('rate limiter while Redis is killed', () => {
  let redis: TestRedis;
  let one: TestService;
  let other: TestService;

  beforeAll(async () => {
    redis = await startRedis();
    const shared = { redisUrl: redis.url, expectedNodes: 2 };
    one = await startTestService(shared);
    other = await startTestService({ ...shared, databaseUrl: one.databaseUrl });
  });
  afterAll(async () => {
    await other?.stop();
    await one?.stop();
    await redis?.stop();
  });

  it('allows each of two nodes half of the limit per minute, and counts the calls that passed for the day', async () => {
    const requestsPerMinute = 40;
    const { userId, apiKey } = await one.newUser({ requestsPerMinute });
    const nodes = [one.url, other.url] as const;
    const shared = { nodes, kill: redis.kill, restart: redis.restart };
    const user = { userId, apiKey, requestsPerMinute };
    const { counts, differences } = await killRedisUnderLoad(shared, user, one.service.database.owner, 2);
    expect(differences).toEqual([]);
    // The calls that the limit allows did pass, in each state.
    expect(counts['passed with Redis']).toBeGreaterThanOrEqual(requestsPerMinute / 2);
    expect(counts['passed in total']).toBeGreaterThanOrEqual(3 * requestsPerMinute);
    expect(counts.rejected).toBeGreaterThan(0);
    console.log(`Redis killed and started again: ${JSON.stringify(counts)}`);
  });
});
