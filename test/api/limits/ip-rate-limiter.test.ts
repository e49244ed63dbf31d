import { describe, expect, it } from 'vitest';
import { Problem } from '../../../api/errors.ts';
import { createIpRateLimiter, type IpRateLimiter } from '../../../api/limits/ip-rate-limiter.ts';
import { openIpSalts } from '../../../api/limits/ip-salts.ts';
import { type Limiter, localLimiter } from '../../../api/limits/local-limiter.ts';
import { connect } from '../../../db/client/database.ts';
import { dropDatabase, freshDatabase } from '../../support/database.ts';

const REJECTED = new Problem('unauthenticated');

/** Returns how many of n concurrent requests were allowed. */
async function countAllowed(n: number, call: () => Promise<unknown>): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: n }, call));
  const limited = results.filter(({ status, ...rest }) => {
    const reason = 'reason' in rest ? rest.reason : undefined;
    return reason instanceof Problem && reason.code === 'rate_limited';
  });
  return n - limited.length;
}

const fail = (limiter: IpRateLimiter, ip = '192.0.2.1') => limiter.attempt(ip, () => Promise.reject(REJECTED));

describe('IP rate limiter', () => {
  it('counts by a hash of the address, with a salt that lasts a UTC day and is then deleted', async () => {
    const url = await freshDatabase();
    const database = connect({ url, onError: () => undefined });
    let now = new Date('2026-11-30T23:00:00Z');
    const options = { sql: database.owner, now: () => now, onError: (error: unknown) => expect.fail(String(error)) };
    const [one, other] = await Promise.all([openIpSalts(options), openIpSalts(options)]);
    await one.renew();
    await other.renew();
    const subjects: string[] = [];
    const limiter: Pick<Limiter, 'consume' | 'state'> = {
      state: 'redis',
      consume: async (policies) => {
        subjects.push(...policies.map(({ subject }) => subject));
        return localLimiter(async () => 0).consume(policies, { minute: 0, day: 0 });
      },
    };
    const ofNodes = [one, other].map(({ hash }) => createIpRateLimiter(60, { limiter, hash }));
    for (const node of ofNodes) await node.consume('192.0.2.1');
    await ofNodes[0]?.consume('192.0.2.2');
    expect(subjects.join()).not.toContain('192.0.2');
    expect(subjects[0]).toBe(subjects[1]);
    expect(subjects[2]).not.toBe(subjects[1]);

    const before = one.hash('192.0.2.1');
    now = new Date('2026-12-01T00:10:00Z');
    // The salt of the new day is known before it is renewed.
    expect(one.hash('192.0.2.1')).toBe(other.hash('192.0.2.1'));
    expect(one.hash('192.0.2.1')).not.toBe(before);
    await one.renew();
    const { rows } = await database.owner.query('select day::text from ip_salts order by day');
    expect(rows).toEqual([{ day: '2026-12-01' }, { day: '2026-12-02' }]);
    for (const salts of [one, other]) salts.close();
    await database.close();
    await dropDatabase(url);
  });

  it('allows exactly 60 concurrent failures of one IP, and refills over time', async () => {
    let time = 0;
    const limiter = createIpRateLimiter(60, { now: () => time });
    expect(await countAllowed(200, () => fail(limiter))).toBe(60);
    time += 10_000;
    expect(await countAllowed(200, () => limiter.consume('192.0.2.1'))).toBe(10);
    time += 3_600_000;
    expect(await countAllowed(200, () => fail(limiter))).toBe(60);
  });

  it('rejects with Retry-After, and allows a request after that time', async () => {
    let time = 0;
    const limiter = createIpRateLimiter(60, { now: () => time });
    await countAllowed(60, () => fail(limiter));
    time += 300;
    const rejected: Problem = await limiter.consume('192.0.2.1').catch((problem) => problem);
    expect(rejected).toMatchObject({
      code: 'rate_limited',
      data: { headers: { 'Retry-After': '1' }, extra: { 'violated-policies': ['client-ip'], retry_after_seconds: 1 } },
    });
    time += 1_000;
    expect(await countAllowed(2, () => fail(limiter))).toBe(1);
  });

  it('counts neither successes nor internal errors, and runs at most 10 attempts at once', async () => {
    const limiter = createIpRateLimiter(60, { now: () => 0 });
    let underWay = 0;
    let most = 0;
    const good = () =>
      limiter.attempt('192.0.2.1', async () => {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay--;
      });
    expect(await countAllowed(500, good)).toBe(500);
    expect(most).toBe(10);
    expect(
      await countAllowed(100, () => limiter.attempt('192.0.2.1', () => Promise.reject(new Error('database')))),
    ).toBe(100);
    expect(await countAllowed(100, () => fail(limiter))).toBe(60);
  });

  it('runs exactly 60 failing attempts among concurrent successful ones', async () => {
    const limiter = createIpRateLimiter(60, { now: () => 0 });
    let bad = 0;
    const mixed = (i: number) =>
      limiter.attempt('192.0.2.1', async () => {
        await new Promise(setImmediate);
        if (i % 2 === 0) return;
        bad++;
        throw REJECTED;
      });
    let i = 0;
    await countAllowed(1_000, () => mixed(i++));
    expect(bad).toBe(60);
    expect(await countAllowed(10, () => mixed(0))).toBe(0);
  });

  it.each([
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', true],
    ['2001:db8:0:1::1', '2001:0DB8::1:0:0:0:9', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
    ['::1', '2001:db8::1', false],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['unknown', 'else', false],
  ])('counts %s and %s as one network: %s', async (one, other, same) => {
    const limiter = createIpRateLimiter(1, { now: () => 0 });
    await limiter.consume(one);
    expect(await countAllowed(1, () => limiter.consume(other))).toBe(same ? 0 : 1);
  });

  it('forgets the least recently used IP when there are too many', async () => {
    const limiter = createIpRateLimiter(1, { now: () => 0 });
    for (let i = 0; i <= 50_000; i++) await limiter.consume(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(await countAllowed(1, () => limiter.consume('10.0.0.1'))).toBe(0);
    expect(await countAllowed(1, () => limiter.consume('10.0.0.0'))).toBe(1);
  });
});

describe('IP rate limiter on nodes with a shared limiter', () => {
  let time = 0;
  /** Creates nodes with one shared limiter that responds after a turn of the event loop. */
  function nodesOf(count: number): IpRateLimiter[] {
    time = 0;
    const shared = localLimiter(async () => 0, { now: () => time });
    const consume: typeof shared.consume = async (...call) => {
      await new Promise(setImmediate);
      return shared.consume(...call);
    };
    const nodes = Array.from({ length: count }, () =>
      createIpRateLimiter(60, { limiter: { state: 'redis', consume }, now: () => time }),
    );
    return nodes;
  }
  const turn = () => new Promise(setImmediate);

  it('allows exactly 60 concurrent failures of one IP on all nodes together, and refills over time', async () => {
    const nodes = nodesOf(3);
    let i = 0;
    const anywhere = () => fail(nodes[i++ % 3] as IpRateLimiter);
    expect(await countAllowed(300, anywhere)).toBe(60);
    expect(await countAllowed(30, anywhere)).toBe(0);
    time += 10_000;
    expect(await countAllowed(300, anywhere)).toBe(10);
    time += 3_600_000;
    expect(await countAllowed(300, () => (nodes[i++ % 3] as IpRateLimiter).consume('192.0.2.1'))).toBe(60);
  });

  it('rejects no successful attempt, however many arrive at each node at once', async () => {
    const nodes = nodesOf(6);
    let i = 0;
    const good = () => (nodes[i++ % 6] as IpRateLimiter).attempt('192.0.2.1', turn);
    expect(await countAllowed(1_200, good)).toBe(1_200);
    expect(await countAllowed(100, () => fail(nodes[0] as IpRateLimiter))).toBe(60);
    expect(await countAllowed(12, good)).toBe(0);
  });

  it('runs at most 60 failing attempts among concurrent successful ones, and ends every attempt', async () => {
    const nodes = nodesOf(2);
    let bad = 0;
    let i = 0;
    const mixed = () => {
      const isBad = ++i % 3 === 0;
      return (nodes[i % 2] as IpRateLimiter).attempt('192.0.2.1', async () => {
        await turn();
        if (!isBad) return;
        bad++;
        throw REJECTED;
      });
    };
    await countAllowed(1_000, mixed);
    // Tokens that successful attempts hold on one node are missing on the other.
    expect(bad).toBeLessThanOrEqual(60);
    expect(bad).toBeGreaterThan(50);
  });

  it('wakes an attempt that starts to wait just when the running one ends', async () => {
    for (let turns = 0; turns < 20; turns++) {
      const answers = [true, false, true];
      const decided: (() => void)[] = [];
      const shared = localLimiter(async () => 0, { now: () => 0 });
      const consume: typeof shared.consume = async (policies) => {
        const allowed = answers.shift() ?? true;
        if (!allowed) await new Promise<void>((resolve) => decided.push(resolve));
        return shared.consume(policies, { minute: allowed ? 1 : 61, day: 0 });
      };
      const node = createIpRateLimiter(60, { limiter: { state: 'redis', consume }, now: () => 0 });
      const holding: (() => void)[] = [];
      const first = node.attempt('192.0.2.1', () => new Promise<void>((resolve) => holding.push(resolve)));
      await turn();
      const second = node.attempt('192.0.2.1', async () => 'done');
      await turn();
      decided[0]?.();
      for (let i = 0; i < turns; i++) await undefined;
      holding[0]?.();
      await first;
      expect(
        await Promise.race([
          second,
          turn()
            .then(turn)
            .then(() => 'waits'),
        ]),
      ).toBe('done');
    }
  });

  it('counts per node while the shared limiter is unavailable, and rejects with failClosed', async () => {
    const unavailable = new Problem('unavailable');
    const limiter = { state: 'redis_unavailable' as const, consume: () => Promise.reject(unavailable) };
    const node = createIpRateLimiter(60, { limiter, now: () => 0 });
    await expect(node.consume('192.0.2.1', { failClosed: true })).rejects.toBe(unavailable);
    expect(await countAllowed(100, () => fail(node))).toBe(60);
    await expect(node.consume('192.0.2.1', { failClosed: true })).rejects.toMatchObject({ code: 'rate_limited' });
  });
});
