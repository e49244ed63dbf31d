import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { generateKey } from '../../../api/keys/key-format.ts';
import { REQUESTS_PER_IP } from '../../../api/limits/ip-rate-limiter.ts';
import { type Limiter, ONE_REQUEST, type RatePolicy } from '../../../api/limits/local-limiter.ts';
import { redisLimiter } from '../../../api/limits/redis-limiter.ts';
import { freshDatabase } from '../../support/database.ts';
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startRedisCluster } from '../../support/redis-cluster.ts';
import { startTestService } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let redis: TestRedis;
let open: Limiter[] = [];

/** Recorded quota units by user. */
const recorded = new Map<string, number>();
/** Users whose recorded usage was read. */
const reads: string[] = [];
const readDayUnits = async (userId: string) => {
  reads.push(userId);
  return recorded.get(userId) ?? 0;
};

interface Settings {
  url?: string;
  expectedNodes?: number;
  onError?: (error: Error) => void;
  readDayUnits?: (userId: string, day: string) => Promise<number>;
}

async function node(settings: Settings = {}): Promise<Limiter> {
  const limiter = redisLimiter({
    url: redis.url,
    readDayUnits,
    expectedNodes: 1,
    onError: () => undefined,
    ...settings,
  });
  open.push(limiter);
  await ready(limiter);
  return limiter;
}
const ready = (limiter: Limiter) => vi.waitFor(() => expect(limiter.state).toBe('redis'), 10_000);
const degraded = (limiter: Limiter) => vi.waitFor(() => expect(limiter.state).toBe('redis_unavailable'), 10_000);

const minute = (name: string, limit: number, tag = 'u'): RatePolicy => ({
  name,
  window: 'minute',
  subject: `{${tag}}:${name}`,
  limit,
});
const daily = (userId: string, limit: number): RatePolicy => ({
  name: 'daily',
  window: 'day',
  subject: `{${userId}}:day`,
  userId,
  limit,
});
const WIDE = 1_000_000;

const consume = (limiter: Limiter, ...policies: RatePolicy[]) => limiter.consume(policies, ONE_REQUEST);
const countAllowed = async (calls: Promise<{ allowed: boolean }>[]) =>
  (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
const burst = (count: number, call: (i: number) => Promise<{ allowed: boolean }>) =>
  countAllowed(Array.from({ length: count }, (_, i) => call(i)));

/** Returns how often the limiter's script has run. */
async function scriptRuns(): Promise<number> {
  const stats = String(await redis.command('INFO', 'commandstats'));
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe.skipIf(!hasRedis)('Redis limiter', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(() => {
    for (const limiter of open) limiter.close();
    open = [];
    recorded.clear();
    reads.length = 0;
  });
  afterAll(async () => {
    for (const limiter of open) limiter.close();
    await redis?.stop();
  });

  it('allows exactly the limit of 2,000 concurrent requests on two nodes', async () => {
    const nodes = [await node(), await node()];
    // At 7 a minute, none is refilled while this runs.
    expect(await burst(2_000, (i) => consume(nodes[i % 2] as Limiter, minute('many', 7)))).toBe(7);
    expect(await burst(2_000, (i) => consume(nodes[i % 2] as Limiter, daily('many', 123)))).toBe(123);
  });

  it('consumes from all policies or from none', async () => {
    const limiter = await node();
    const all = [minute('wide', 50), minute('narrow', 3), daily('u', 40)];
    expect(await burst(20, () => consume(limiter, ...all))).toBe(3);
    const rejected = await consume(limiter, ...all);
    expect(rejected).toMatchObject({ allowed: false, violated: [{ policy: { name: 'narrow' }, remaining: 0 }] });
    expect(rejected.retryAfterSeconds).toBeGreaterThan(15);
    const { states } = await consume(limiter, minute('wide', 50), daily('u', 40));
    expect(states.map(({ remaining }) => remaining)).toEqual([46, 36]);
    const spent = [minute('wide', 50), daily('u', 4)];
    expect(await consume(limiter, ...spent)).toMatchObject({
      allowed: false,
      violated: [{ policy: { name: 'daily' } }],
    });
    expect((await consume(limiter, minute('wide', 50))).states).toMatchObject([{ remaining: 45 }]);
  });

  it('loads its script before the first request', async () => {
    const other = await startRedis();
    try {
      const limiter = await node({ url: other.url });
      const stats = String(await other.command('INFO', 'memory'));
      expect(stats).toMatch(/number_of_cached_scripts:1\r/);
      await consume(limiter, minute('first', 1));
      expect(String(await other.command('INFO', 'memory'))).toMatch(/number_of_cached_scripts:1\r/);
    } finally {
      await other.stop();
    }
  });

  describe('count of a day', () => {
    it('starts from the recorded usage, which concurrent requests read once', async () => {
      recorded.set('ann', 90);
      const limiter = await node();
      expect(await burst(50, () => consume(limiter, daily('ann', 100)))).toBe(10);
      expect(reads).toEqual(['ann']);
      expect(await burst(50, () => consume(limiter, daily('ann', 100)))).toBe(0);
      expect(reads).toEqual(['ann']);
    });

    it('starts from the count in Redis where that is higher than the recorded usage', async () => {
      const first = await node();
      await burst(30, () => consume(first, daily('bob', 100)));
      recorded.set('bob', 20);
      expect((await consume(await node(), daily('bob', 100))).states).toMatchObject([{ remaining: 69 }]);
      recorded.set('bob', 60);
      expect((await consume(await node(), daily('bob', 100))).states).toMatchObject([{ remaining: 39 }]);
    });

    it('starts from the recorded usage again when Redis has lost it without an outage', async () => {
      const nodes = [await node(), await node()];
      for (const each of nodes) await consume(each, daily('cid', 100));
      recorded.set('cid', 95);
      await redis.command('FLUSHALL');
      expect(await burst(40, (i) => consume(nodes[i % 2] as Limiter, daily('cid', 100)))).toBe(5);
      await redis.command('DEL', 'wm:rate:{cid}:day');
      expect(await burst(40, (i) => consume(nodes[i % 2] as Limiter, daily('cid', 100)))).toBe(5);
    });

    it('is unavailable when the recorded usage cannot be read', async () => {
      let isDown = true;
      const limiter = await node({
        readDayUnits: async () => {
          if (isDown) throw new Error('no database');
          return 3;
        },
      });
      await expect(consume(limiter, daily('dan', 10))).rejects.toMatchObject({ code: 'unavailable' });
      expect(limiter.state).toBe('redis');
      isDown = false;
      expect((await consume(limiter, daily('dan', 10))).states).toMatchObject([{ remaining: 6 }]);
    });
  });

  describe('while Redis is unavailable', () => {
    it('limits each node to its share of a minute, and all together when Redis is back', async () => {
      const limiter = await node({ expectedNodes: 4 });
      await redis.kill();
      expect(await burst(40, () => consume(limiter, minute('away', 21)))).toBe(5);
      expect(await burst(40, () => consume(limiter, minute('few', 3)))).toBe(1);
      expect(limiter.state).toBe('redis_unavailable');
      await redis.restart();
      await ready(limiter);
      expect(await burst(40, () => consume(limiter, minute('back', 21)))).toBe(21);
    });

    it('allows a batch that costs more than the share of the node when nothing else is used', async () => {
      const limiter = await node({ expectedNodes: 10 });
      await redis.kill();
      const batch = { minute: 10, day: 100 };
      expect(await burst(5, () => limiter.consume([minute('batch', 60)], batch))).toBe(1);
      await redis.restart();
    });

    it('counts days from the recorded usage, and again when Redis is back', async () => {
      const limiter = await node();
      recorded.set('eve', 10);
      await consume(limiter, daily('eve', 100));
      await redis.kill();
      await degraded(limiter);
      // Requests that other nodes allowed meanwhile are recorded.
      recorded.set('eve', 80);
      expect(await burst(50, () => consume(limiter, daily('eve', 100)))).toBe(20);
      await redis.restart();
      await ready(limiter);
      recorded.set('eve', 97);
      reads.length = 0;
      expect(await burst(50, () => consume(limiter, daily('eve', 100)))).toBe(3);
      expect(reads).toEqual(['eve']);
    });

    it('reads the recorded usage again when it is older than a second', async () => {
      const limiter = await node();
      await redis.kill();
      recorded.set('fay', 10);
      expect((await consume(limiter, daily('fay', 100))).states).toMatchObject([{ remaining: 89 }]);
      recorded.set('fay', 60);
      await vi.waitFor(async () => {
        const [day] = (await limiter.consume([daily('fay', 100)], { minute: 0, day: 0 })).states;
        expect(day?.remaining).toBe(40);
      }, 10_000);
      await redis.restart();
    });

    it('rejects with failClosed', async () => {
      const limiter = await node();
      const closed = () => limiter.consume([minute('login', 5)], ONE_REQUEST, { failClosed: true });
      expect((await closed()).allowed).toBe(true);
      await redis.kill();
      await expect(closed()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(closed()).rejects.toMatchObject({ code: 'unavailable' });
      expect((await consume(limiter, minute('other', 5))).allowed).toBe(true);
      await redis.restart();
      await ready(limiter);
      expect((await closed()).allowed).toBe(true);
    });

    it('delays only the requests in flight when it stopped responding, once each', async () => {
      const errors: string[] = [];
      const limiter = await node({ onError: ({ message }) => errors.push(message) });
      await consume(limiter, minute('hang', WIDE));
      const before = await scriptRuns();
      redis.hang();
      expect(await burst(20, () => consume(limiter, minute('hang', WIDE)))).toBe(20);
      expect(limiter.state).toBe('redis_unavailable');
      // Reported once, not once per request.
      expect(errors).toEqual(['no response for 250 ms']);
      const later: number[] = [];
      for (let i = 0; i < 200; i++) later.push(await burst(1, () => consume(limiter, minute('hang', WIDE))));
      expect(later).toEqual(Array(200).fill(1));
      redis.resume();
      await ready(limiter);
      // Redis executes the commands that were sent before; of the 200 requests none was sent.
      expect((await scriptRuns()) - before).toBe(20);
    });
  });

  it('does not treat a busy process as a Redis outage', async () => {
    const errors: Error[] = [];
    const limiter = await node({ onError: (error) => errors.push(error) });
    const calls = burst(20, () => consume(limiter, minute('busy', 7)));
    await new Promise((resolve) => setImmediate(resolve));
    for (const until = performance.now() + 600; performance.now() < until; );
    expect(await calls).toBe(7);
    expect([limiter.state, errors]).toEqual(['redis', []]);
  });

  it('limits two services on one database together, and /ready reports its state', async () => {
    const databaseUrl = await freshDatabase();
    const settings = { databaseUrl, redisUrl: redis.url };
    const [a, b] = await Promise.all([startTestService(settings), startTestService(settings)]);
    try {
      const user = await a.newUser({ requestsPerMinute: 11 });
      const steady = await a.newUser({ requestsPerDay: 25 });
      const untilReady = (state: string) =>
        vi.waitFor(async () => {
          for (const { url } of [a, b]) expect((await user.api.get(`${url}/ready`)).body.limiter).toBe(state);
        }, 10_000);
      await untilReady('redis');
      const calls = (who: typeof user, count: number) =>
        Promise.all(Array.from({ length: count }, (_, i) => who.api.get(`${(i % 2 ? a : b).url}/api/v1/stats`)));
      const count = (answers: Awaited<ReturnType<typeof calls>>, status: number) =>
        answers.filter((answer) => answer.status === status).length;
      const ofMinute = await calls(user, 60);
      expect([count(ofMinute, 200), count(ofMinute, 429)]).toEqual([11, 49]);
      const ofDay = await calls(steady, 20);
      expect(count(ofDay, 200)).toBe(20);
      await redis.command('FLUSHALL');
      expect(count(await calls(steady, 3), 200)).toBe(3);
      await redis.kill();
      // Sequential: what one node allowed is recorded before the other reads it.
      const alone = [await steady.api.get('/stats'), await steady.api.get('/stats'), await steady.api.get('/stats')];
      expect(alone.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(alone[2]?.body).toMatchObject({ code: 'quota_exceeded', 'violated-policies': ['daily'] });
      expect((await user.api.get(`${a.url}/ready`)).body).toMatchObject({ ready: true, limiter: 'redis_unavailable' });
      await redis.restart();
      await untilReady('redis');
      expect(count(await calls(steady, 20), 429)).toBe(20);
      expect((await eventsOf(a, steady.userId)).filter(({ status }) => status === 200)).toHaveLength(25);
    } finally {
      await Promise.all([a.stop(), b.stop()]);
    }
  });

  it('limits requests without a valid key to 60 a minute per client IP on two services together', async () => {
    const databaseUrl = await freshDatabase();
    const settings = { databaseUrl, redisUrl: redis.url, requestsPerIp: REQUESTS_PER_IP };
    const nodes = await Promise.all([startTestService(settings), startTestService(settings)]);
    const [a] = nodes;
    try {
      for (const { url } of nodes) {
        const ready = async () => ((await (await fetch(`${url}/ready`)).json()) as { limiter: string }).limiter;
        await vi.waitFor(async () => expect(await ready()).toBe('redis'), 10_000);
      }
      const users = await Promise.all(Array.from({ length: 100 }, () => a.newUser()));
      const good = await Promise.all(users.map(({ api }, i) => api.get(`${nodes[i % 2]?.url}/api/v1/user/me`)));
      expect(good.every(({ status }) => status === 200)).toBe(true);
      const started = performance.now();
      const bad = await Promise.all(
        Array.from({ length: 200 }, (_, i) => {
          const headers = { Authorization: `Bearer ${generateKey('test')}` };
          return fetch(`${nodes[i % 2]?.url}/api/v1/user/me`, { headers });
        }),
      );
      const refilled = Math.ceil((performance.now() - started) / 1000);
      const unauthenticated = bad.filter(({ status }) => status === 401).length;
      expect(unauthenticated).toBeGreaterThanOrEqual(REQUESTS_PER_IP);
      expect(unauthenticated).toBeLessThanOrEqual(REQUESTS_PER_IP + refilled);
      expect(bad.filter(({ status }) => status === 429)).toHaveLength(200 - unauthenticated);
      // Cached keys are not limited by them.
      const again = await Promise.all(users.map(({ api }, i) => api.get(`${nodes[i % 2]?.url}/api/v1/user/me`)));
      expect(again.every(({ status }) => status === 200)).toBe(true);
    } finally {
      await Promise.all(nodes.map((each) => each.stop()));
    }
  });

  it('works on a Redis Cluster of three nodes, keeps the counts of a user on one of them, and survives the loss of one', async () => {
    const cluster = await startRedisCluster();
    try {
      const nodes = [await node({ url: cluster.url }), await node({ url: cluster.url })];
      const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
      for (const user of users) {
        const all = [minute('rpm', 9, user), minute('key-rpm', 50, user), daily(user, 5)];
        expect(await burst(20, (i) => consume(nodes[i % 2] as Limiter, ...all))).toBe(5);
      }
      const sizes = (await cluster.onEach('DBSIZE')).map(Number);
      expect(sizes.every((size) => size > 0 && size % 3 === 0)).toBe(true);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(90);
      expect(nodes.map(({ state }) => state)).toEqual(['redis', 'redis']);
      await cluster.killOne();
      for (const user of users) {
        expect(await burst(5, (i) => consume(nodes[i % 2] as Limiter, minute('after', 50, user)))).toBe(5);
      }
      expect(nodes.map(({ state }) => state)).toEqual(['redis_unavailable', 'redis_unavailable']);
    } finally {
      for (const limiter of open) limiter.close();
      await cluster.stop();
    }
  });
});
