import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killRedisUnderLoad } from '../../scripts/chaos/redis-death.ts';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.skipIf(!hasRedis)('a Redis that dies under load', () => {
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

  it('lets each of two nodes pass its half of a minute and no more, and the day is what was let through', async () => {
    const requestsPerMinute = 40;
    const { userId, apiKey } = await one.newUser({ requestsPerMinute });
    const nodes = [one.url, other.url] as const;
    const shared = { nodes, kill: redis.kill, restart: redis.restart };
    const user = { userId, apiKey, requestsPerMinute };
    const { counts, differences } = await killRedisUnderLoad(shared, user, one.service.database.owner, 2);
    expect(differences).toEqual([]);
    // Nobody was shut out either: what is promised did pass, in each state.
    expect(counts['passed while Redis answered']).toBeGreaterThanOrEqual(requestsPerMinute / 2);
    expect(counts['passed in all']).toBeGreaterThanOrEqual(3 * requestsPerMinute);
    expect(counts.refused).toBeGreaterThan(0);
    console.log(`Redis killed and started again: ${JSON.stringify(counts)}`);
  });
});
