import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Limiter, RatePolicy } from '../../api/metering/limiter.ts';
import { redisLimiter } from '../../api/metering/redis-limiter.ts';
import { freshDatabase } from '../support/database.ts';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startTestService } from '../support/service.ts';

let redis: TestRedis;
const open: Limiter[] = [];

const node = () => {
  const limiter = redisLimiter(redis.url, () => undefined);
  open.push(limiter);
  return limiter;
};
const ready = (limiter: Limiter) => vi.waitFor(() => expect(limiter.state).toBe('redis'), 5_000);
const policy = (subject: string, perMinute: number): RatePolicy => ({
  name: subject,
  subject: `{u}:${subject}`,
  perMinute,
});
const passed = async (calls: Promise<{ allowed: boolean }>[]) =>
  (await Promise.all(calls)).filter(({ allowed }) => allowed).length;

describe.skipIf(!hasRedis)('nodes that share a Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    for (const limiter of open) limiter.close();
    await redis?.stop();
  });

  it('let exactly the allowed number of 2,000 concurrent calls pass, all together', async () => {
    const nodes = [node(), node()];
    await Promise.all(nodes.map(ready));
    // Refilled at 7 a minute, none comes back while this runs.
    const calls = Array.from({ length: 2_000 }, (_, i) => (nodes[i % 2] as Limiter).take([policy('many', 7)], 1));
    expect(await passed(calls)).toBe(7);
  });

  it('take from every policy or from none', async () => {
    const limiter = node();
    await ready(limiter);
    const both = [policy('wide', 50), policy('narrow', 3)];
    expect(await passed(Array.from({ length: 20 }, () => limiter.take(both, 1)))).toBe(3);
    const refused = await limiter.take(both, 1);
    expect(refused).toMatchObject({ allowed: false, violated: ['narrow'] });
    expect(refused.retryAfterSeconds).toBeGreaterThan(15);
    const [wide] = (await limiter.take([policy('wide', 50)], 1)).states;
    expect(wide?.remaining).toBe(46);
  });

  it('limit each for itself while it is away, and together again when it is back', async () => {
    const limiter = node();
    await ready(limiter);
    await redis.kill();
    expect(await passed(Array.from({ length: 40 }, () => limiter.take([policy('away', 5)], 1)))).toBe(5);
    expect(limiter.state).toBe('redis: degraded');
    await redis.restart();
    await ready(limiter);
    await delay(5);
    expect(await passed(Array.from({ length: 40 }, () => limiter.take([policy('back', 5)], 1)))).toBe(5);
  });

  it('are two services on one database: one minute, one allowance, and /ready says by whom it is counted', async () => {
    const databaseUrl = await freshDatabase();
    const settings = { databaseUrl, redisUrl: redis.url };
    const [a, b] = await Promise.all([startTestService(settings), startTestService(settings)]);
    try {
      const user = await a.newUser({ requestsPerMinute: 11 });
      await vi.waitFor(async () => {
        for (const { url } of [a, b]) expect((await user.api.get(`${url}/ready`)).body.limiter).toBe('redis');
      }, 5_000);
      const calls = Array.from({ length: 60 }, (_, i) => user.api.get(`${(i % 2 ? a : b).url}/api/v1/stats`));
      const statuses = (await Promise.all(calls)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(11);
      expect(statuses.filter((status) => status === 429)).toHaveLength(49);
    } finally {
      await Promise.all([a.stop(), b.stop()]);
    }
  });
});
