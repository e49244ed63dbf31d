import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { generateKey } from '../../../api/keys/key-format.ts';
import { CALLS_PER_ADDRESS } from '../../../api/limits/ip-rate-limiter.ts';
import { type Limiter, ONE_CALL, type RatePolicy } from '../../../api/limits/local-limiter.ts';
import { redisLimiter } from '../../../api/limits/redis-limiter.ts';
import { freshDatabase } from '../../support/database.ts';
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startRedisCluster } from '../../support/redis-cluster.ts';
import { startTestService } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let redis: TestRedis;
let open: Limiter[] = [];

/** Calls on record, by user; and how often each was asked for. */
const recorded = new Map<string, number>();
const asked: string[] = [];
const readDayUnits = async (userId: string) => {
  asked.push(userId);
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
const degraded = (limiter: Limiter) => vi.waitFor(() => expect(limiter.state).toBe('redis: degraded'), 10_000);

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

const take = (limiter: Limiter, ...policies: RatePolicy[]) => limiter.take(policies, ONE_CALL);
const passed = async (calls: Promise<{ allowed: boolean }>[]) =>
  (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
const burst = (count: number, call: (i: number) => Promise<{ allowed: boolean }>) =>
  passed(Array.from({ length: count }, (_, i) => call(i)));

/** How often the limiter's script has run. */
async function scriptRuns(): Promise<number> {
  const stats = String(await redis.command('INFO', 'commandstats'));
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

describe.skipIf(!hasRedis)('nodes that share a Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(() => {
    for (const limiter of open) limiter.close();
    open = [];
    recorded.clear();
    asked.length = 0;
  });
  afterAll(async () => {
    for (const limiter of open) limiter.close();
    await redis?.stop();
  });

  it('let exactly the allowed number of 2,000 concurrent calls pass, all together', async () => {
    const nodes = [await node(), await node()];
    // Refilled at 7 a minute, none comes back while this runs.
    expect(await burst(2_000, (i) => take(nodes[i % 2] as Limiter, minute('many', 7)))).toBe(7);
    expect(await burst(2_000, (i) => take(nodes[i % 2] as Limiter, daily('many', 123)))).toBe(123);
  });

  it('take from every policy or from none', async () => {
    const limiter = await node();
    const all = [minute('wide', 50), minute('narrow', 3), daily('u', 40)];
    expect(await burst(20, () => take(limiter, ...all))).toBe(3);
    const refused = await take(limiter, ...all);
    expect(refused).toMatchObject({ allowed: false, violated: [{ policy: { name: 'narrow' }, remaining: 0 }] });
    expect(refused.retryAfterSeconds).toBeGreaterThan(15);
    const { states } = await take(limiter, minute('wide', 50), daily('u', 40));
    expect(states.map(({ remaining }) => remaining)).toEqual([46, 36]);
    const spent = [minute('wide', 50), daily('u', 4)];
    expect(await take(limiter, ...spent)).toMatchObject({ allowed: false, violated: [{ policy: { name: 'daily' } }] });
    expect((await take(limiter, minute('wide', 50))).states).toMatchObject([{ remaining: 45 }]);
  });

  it('load the script before any call is let near', async () => {
    const other = await startRedis();
    try {
      const limiter = await node({ url: other.url });
      const stats = String(await other.command('INFO', 'memory'));
      expect(stats).toMatch(/number_of_cached_scripts:1\r/);
      await take(limiter, minute('first', 1));
      expect(String(await other.command('INFO', 'memory'))).toMatch(/number_of_cached_scripts:1\r/);
    } finally {
      await other.stop();
    }
  });

  describe('count a day on from what is on record', () => {
    it('asked for once by all that come at the same time, then no more', async () => {
      recorded.set('ann', 90);
      const limiter = await node();
      expect(await burst(50, () => take(limiter, daily('ann', 100)))).toBe(10);
      expect(asked).toEqual(['ann']);
      expect(await burst(50, () => take(limiter, daily('ann', 100)))).toBe(0);
      expect(asked).toEqual(['ann']);
    });

    it('or from what they counted, whichever is more: not everything is on record yet', async () => {
      const first = await node();
      await burst(30, () => take(first, daily('bob', 100)));
      recorded.set('bob', 20);
      expect((await take(await node(), daily('bob', 100))).states).toMatchObject([{ remaining: 69 }]);
      recorded.set('bob', 60);
      expect((await take(await node(), daily('bob', 100))).states).toMatchObject([{ remaining: 39 }]);
    });

    it('again when Redis has lost the count, though nobody noticed', async () => {
      const nodes = [await node(), await node()];
      for (const each of nodes) await take(each, daily('cid', 100));
      recorded.set('cid', 95);
      await redis.command('FLUSHALL');
      expect(await burst(40, (i) => take(nodes[i % 2] as Limiter, daily('cid', 100)))).toBe(5);
      await redis.command('DEL', 'wm:rate:{cid}:day');
      expect(await burst(40, (i) => take(nodes[i % 2] as Limiter, daily('cid', 100)))).toBe(5);
    });

    it('and refuse as unavailable when the record cannot be read, for nobody could meter the call', async () => {
      let away = true;
      const limiter = await node({
        readDayUnits: async () => {
          if (away) throw new Error('no database');
          return 3;
        },
      });
      await expect(take(limiter, daily('dan', 10))).rejects.toMatchObject({ code: 'unavailable' });
      expect(limiter.state).toBe('redis');
      away = false;
      expect((await take(limiter, daily('dan', 10))).states).toMatchObject([{ remaining: 6 }]);
    });
  });

  describe('while it is away', () => {
    it('limit each for itself, to its part of a minute, and together again when it is back', async () => {
      const limiter = await node({ expectedNodes: 4 });
      await redis.kill();
      expect(await burst(40, () => take(limiter, minute('away', 21)))).toBe(5);
      expect(await burst(40, () => take(limiter, minute('few', 3)))).toBe(1);
      expect(limiter.state).toBe('redis: degraded');
      await redis.restart();
      await ready(limiter);
      expect(await burst(40, () => take(limiter, minute('back', 21)))).toBe(21);
    });

    it('a batch larger than a node’s part may pass alone', async () => {
      const limiter = await node({ expectedNodes: 10 });
      await redis.kill();
      const batch = { minute: 10, day: 100 };
      expect(await burst(5, () => limiter.take([minute('batch', 60)], batch))).toBe(1);
      await redis.restart();
    });

    it('count days by the record, and by it again when Redis is back', async () => {
      const limiter = await node();
      recorded.set('eve', 10);
      await take(limiter, daily('eve', 100));
      await redis.kill();
      await degraded(limiter);
      // What other nodes let through meanwhile is on record.
      recorded.set('eve', 80);
      expect(await burst(50, () => take(limiter, daily('eve', 100)))).toBe(20);
      await redis.restart();
      await ready(limiter);
      recorded.set('eve', 97);
      asked.length = 0;
      expect(await burst(50, () => take(limiter, daily('eve', 100)))).toBe(3);
      expect(asked).toEqual(['eve']);
    });

    it('read the record again once what they know is old', async () => {
      const limiter = await node();
      await redis.kill();
      recorded.set('fay', 10);
      expect((await take(limiter, daily('fay', 100))).states).toMatchObject([{ remaining: 89 }]);
      recorded.set('fay', 60);
      await vi.waitFor(async () => {
        const [day] = (await limiter.take([daily('fay', 100)], { minute: 0, day: 0 })).states;
        expect(day?.remaining).toBe(40);
      }, 10_000);
      await redis.restart();
    });

    it('refuse what must not pass uncounted', async () => {
      const limiter = await node();
      const closed = () => limiter.take([minute('login', 5)], ONE_CALL, { closed: true });
      expect((await closed()).allowed).toBe(true);
      await redis.kill();
      await expect(closed()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(closed()).rejects.toMatchObject({ code: 'unavailable' });
      expect((await take(limiter, minute('other', 5))).allowed).toBe(true);
      await redis.restart();
      await ready(limiter);
      expect((await closed()).allowed).toBe(true);
    });

    it('let nobody wait for it but the calls that were under way when it stopped to answer, once each', async () => {
      const errors: string[] = [];
      const limiter = await node({ onError: ({ message }) => errors.push(message) });
      await take(limiter, minute('hang', WIDE));
      const before = await scriptRuns();
      redis.hang();
      expect(await burst(20, () => take(limiter, minute('hang', WIDE)))).toBe(20);
      expect(limiter.state).toBe('redis: degraded');
      // Told once, not once a call.
      expect(errors).toEqual(['no answer for 250 ms']);
      const later: number[] = [];
      for (let i = 0; i < 200; i++) later.push(await burst(1, () => take(limiter, minute('hang', WIDE))));
      expect(later).toEqual(Array(200).fill(1));
      redis.resume();
      await ready(limiter);
      // What had been sent is carried out late; of the 200 nothing had been.
      expect((await scriptRuns()) - before).toBe(20);
    });
  });

  it('do not take a process that was busy for a Redis that is away', async () => {
    const errors: Error[] = [];
    const limiter = await node({ onError: (error) => errors.push(error) });
    const calls = burst(20, () => take(limiter, minute('busy', 7)));
    await new Promise((resolve) => setImmediate(resolve));
    for (const until = performance.now() + 600; performance.now() < until; );
    expect(await calls).toBe(7);
    expect([limiter.state, errors]).toEqual(['redis', []]);
  });

  it('are two services on one database: one minute and one day, and /ready says by whom they are counted', async () => {
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
      // One after the other: what one node let through is on record before the other looks.
      const alone = [await steady.api.get('/stats'), await steady.api.get('/stats'), await steady.api.get('/stats')];
      expect(alone.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(alone[2]?.body).toMatchObject({ code: 'quota_exceeded', 'violated-policies': ['daily'] });
      expect((await user.api.get(`${a.url}/ready`)).body).toMatchObject({ ready: true, limiter: 'redis: degraded' });
      await redis.restart();
      await untilReady('redis');
      expect(count(await calls(steady, 20), 429)).toBe(20);
      expect((await eventsOf(a, steady.userId)).filter(({ status }) => status === 200)).toHaveLength(25);
    } finally {
      await Promise.all([a.stop(), b.stop()]);
    }
  });

  it('are two services that one address may call without a valid key sixty times a minute together', async () => {
    const databaseUrl = await freshDatabase();
    const settings = { databaseUrl, redisUrl: redis.url, callsPerAddress: CALLS_PER_ADDRESS };
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
      const refused = bad.filter(({ status }) => status === 401).length;
      expect(refused).toBeGreaterThanOrEqual(CALLS_PER_ADDRESS);
      expect(refused).toBeLessThanOrEqual(CALLS_PER_ADDRESS + refilled);
      expect(bad.filter(({ status }) => status === 429)).toHaveLength(200 - refused);
      // Who was known before is held up by nobody.
      const again = await Promise.all(users.map(({ api }, i) => api.get(`${nodes[i % 2]?.url}/api/v1/user/me`)));
      expect(again.every(({ status }) => status === 200)).toBe(true);
    } finally {
      await Promise.all(nodes.map((each) => each.stop()));
    }
  });

  it('may share a Redis Cluster of three nodes: users spread over them, each with all its counts on one; without one node calls go on', async () => {
    const cluster = await startRedisCluster();
    try {
      const nodes = [await node({ url: cluster.url }), await node({ url: cluster.url })];
      const users = Array.from({ length: 30 }, (_, i) => `user-${i}`);
      for (const user of users) {
        const all = [minute('rpm', 9, user), minute('key-rpm', 50, user), daily(user, 5)];
        expect(await burst(20, (i) => take(nodes[i % 2] as Limiter, ...all))).toBe(5);
      }
      const sizes = (await cluster.onEach('DBSIZE')).map(Number);
      expect(sizes.every((size) => size > 0 && size % 3 === 0)).toBe(true);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(90);
      expect(nodes.map(({ state }) => state)).toEqual(['redis', 'redis']);
      await cluster.killOne();
      for (const user of users) {
        expect(await burst(5, (i) => take(nodes[i % 2] as Limiter, minute('after', 50, user)))).toBe(5);
      }
      expect(nodes.map(({ state }) => state)).toEqual(['redis: degraded', 'redis: degraded']);
    } finally {
      for (const limiter of open) limiter.close();
      await cluster.stop();
    }
  });
});
