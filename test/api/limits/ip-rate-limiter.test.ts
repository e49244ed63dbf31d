import { describe, expect, it } from 'vitest';
import { Problem } from '../../../api/errors.ts';
import { type AddressLimiter, addressLimiter } from '../../../api/limits/ip-rate-limiter.ts';
import { localLimiter } from '../../../api/limits/local-limiter.ts';

const REFUSED = new Problem('unauthenticated');

/** How many of n calls at one instant passed. */
async function passing(n: number, call: () => Promise<unknown>): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: n }, call));
  const limited = results.filter(({ status, ...rest }) => {
    const reason = 'reason' in rest ? rest.reason : undefined;
    return reason instanceof Problem && reason.code === 'rate_limited';
  });
  return n - limited.length;
}

const fail = (limiter: AddressLimiter, address = '192.0.2.1') =>
  limiter.attempt(address, () => Promise.reject(REFUSED));

describe('an address', () => {
  it('may fail sixty times at once, exactly, and as often again as time passes', async () => {
    let time = 0;
    const limiter = addressLimiter(60, { now: () => time });
    expect(await passing(200, () => fail(limiter))).toBe(60);
    time += 10_000;
    expect(await passing(200, () => limiter.take('192.0.2.1'))).toBe(10);
    time += 3_600_000;
    expect(await passing(200, () => fail(limiter))).toBe(60);
  });

  it('is told after how many seconds it may come again, and then may', async () => {
    let time = 0;
    const limiter = addressLimiter(60, { now: () => time });
    await passing(60, () => fail(limiter));
    time += 300;
    const refused: Problem = await limiter.take('192.0.2.1').catch((problem) => problem);
    expect(refused).toMatchObject({
      code: 'rate_limited',
      data: { headers: { 'Retry-After': '1' }, extra: { 'violated-policies': ['address'], retry_after_seconds: 1 } },
    });
    time += 1_000;
    expect(await passing(2, () => fail(limiter))).toBe(1);
  });

  it('is charged nothing for what succeeds or fails by our fault, however many are under way at once', async () => {
    const limiter = addressLimiter(60, { now: () => 0 });
    let underWay = 0;
    let most = 0;
    const good = () =>
      limiter.attempt('192.0.2.1', async () => {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay--;
      });
    expect(await passing(500, good)).toBe(500);
    expect(most).toBe(10);
    expect(await passing(100, () => limiter.attempt('192.0.2.1', () => Promise.reject(new Error('database'))))).toBe(
      100,
    );
    expect(await passing(100, () => fail(limiter))).toBe(60);
  });

  it('never has more than its allowance before the database, good and bad mixed', async () => {
    const limiter = addressLimiter(60, { now: () => 0 });
    let bad = 0;
    const mixed = (i: number) =>
      limiter.attempt('192.0.2.1', async () => {
        await new Promise(setImmediate);
        if (i % 2 === 0) return;
        bad++;
        throw REFUSED;
      });
    let i = 0;
    await passing(1_000, () => mixed(i++));
    expect(bad).toBe(60);
    expect(await passing(10, () => mixed(0))).toBe(0);
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
  ])('%s and %s are one: %s', async (one, other, same) => {
    const limiter = addressLimiter(1, { now: () => 0 });
    await limiter.take(one);
    expect(await passing(1, () => limiter.take(other))).toBe(same ? 0 : 1);
  });

  it('is forgotten, the one longest away first, before there are too many', async () => {
    const limiter = addressLimiter(1, { now: () => 0 });
    for (let i = 0; i <= 50_000; i++) await limiter.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(await passing(1, () => limiter.take('10.0.0.1'))).toBe(0);
    expect(await passing(1, () => limiter.take('10.0.0.0'))).toBe(1);
  });
});

describe('an address, on nodes that count together', () => {
  let time = 0;
  /** Nodes of which each asks what all of them share, and is answered after a turn of the event loop. */
  function nodesOf(count: number): AddressLimiter[] {
    time = 0;
    const shared = localLimiter(async () => 0, { now: () => time });
    const take: typeof shared.take = async (...call) => {
      await new Promise(setImmediate);
      return shared.take(...call);
    };
    const nodes = Array.from({ length: count }, () =>
      addressLimiter(60, { limiter: { state: 'redis', take }, now: () => time }),
    );
    return nodes;
  }
  const turn = () => new Promise(setImmediate);

  it('may fail sixty times at once over all of them, exactly, and as often again as time passes', async () => {
    const nodes = nodesOf(3);
    let i = 0;
    const anywhere = () => fail(nodes[i++ % 3] as AddressLimiter);
    expect(await passing(300, anywhere)).toBe(60);
    expect(await passing(30, anywhere)).toBe(0);
    time += 10_000;
    expect(await passing(300, anywhere)).toBe(10);
    time += 3_600_000;
    expect(await passing(300, () => (nodes[i++ % 3] as AddressLimiter).take('192.0.2.1'))).toBe(60);
  });

  it('is charged nothing for what succeeds, and nobody good is refused, however many come to each at once', async () => {
    const nodes = nodesOf(6);
    let i = 0;
    const good = () => (nodes[i++ % 6] as AddressLimiter).attempt('192.0.2.1', turn);
    expect(await passing(1_200, good)).toBe(1_200);
    expect(await passing(100, () => fail(nodes[0] as AddressLimiter))).toBe(60);
    expect(await passing(12, good)).toBe(0);
  });

  it('never has more than its allowance before the database, good and bad mixed, and leaves nobody waiting', async () => {
    const nodes = nodesOf(2);
    let bad = 0;
    let i = 0;
    const mixed = () => {
      const isBad = ++i % 3 === 0;
      return (nodes[i % 2] as AddressLimiter).attempt('192.0.2.1', async () => {
        await turn();
        if (!isBad) return;
        bad++;
        throw REFUSED;
      });
    };
    await passing(1_000, mixed);
    // What good callers hold on one node at the end is not there for the other.
    expect(bad).toBeLessThanOrEqual(60);
    expect(bad).toBeGreaterThan(50);
  });

  it('is never left waiting by one that ends just when another is told to wait for it', async () => {
    for (let turns = 0; turns < 20; turns++) {
      const answers = [true, false, true];
      const decided: (() => void)[] = [];
      const shared = localLimiter(async () => 0, { now: () => 0 });
      const take: typeof shared.take = async (policies) => {
        const allowed = answers.shift() ?? true;
        if (!allowed) await new Promise<void>((resolve) => decided.push(resolve));
        return shared.take(policies, { minute: allowed ? 1 : 61, day: 0 });
      };
      const node = addressLimiter(60, { limiter: { state: 'redis', take }, now: () => 0 });
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

  it('is counted by each node alone while they cannot count together, unless what it wants must not pass uncounted', async () => {
    const away = new Problem('unavailable');
    const limiter = { state: 'redis: degraded' as const, take: () => Promise.reject(away) };
    const node = addressLimiter(60, { limiter, now: () => 0 });
    await expect(node.take('192.0.2.1', { closed: true })).rejects.toBe(away);
    expect(await passing(100, () => fail(node))).toBe(60);
    await expect(node.take('192.0.2.1', { closed: true })).rejects.toMatchObject({ code: 'rate_limited' });
  });
});
