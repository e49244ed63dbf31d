import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cost, dayOf, type Limiter, localLimiter, type RatePolicy } from '../../api/limits/local-limiter.ts';
import { redisLimiter } from '../../api/limits/redis-limiter.ts';
import { DAY_MS } from '../../api/time.ts';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.ts';

const MINUTE = 60_000;
/** Two minutes before a UTC midnight. */
const START = Date.parse('2026-11-23T23:58:00Z');

let redis: TestRedis;
let time = START;
let nodes: [Limiter, Limiter];
let run = 0;
/** Units recorded for the first day before the test. */
let recordedUnits = 0;
const readDayUnits = async (_user: string, day: string) => (Date.parse(day) < START ? recordedUnits : 0);

/** A request: the user, the limits, and the cost. */
const request = fc.record({
  user: fc.constantFrom('ann', 'bob'),
  perMinute: fc.constantFrom(4, 9),
  perKey: fc.constantFrom(undefined, 2, 6),
  perDay: fc.constantFrom(undefined, 25, 60),
  // A negative cost returns units.
  minute: fc.integer({ min: -1, max: 3 }),
  day: fc.integer({ min: -1, max: 30 }),
});
interface Request {
  user: string;
  perMinute: number;
  perKey?: number | undefined;
  perDay?: number | undefined;
}

/** Milliseconds between requests; negative when the clock is corrected. */
const pause = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 2_000 }),
  fc.integer({ min: 0, max: 2 * MINUTE }),
  fc.constantFrom(-30_000, -3 * MINUTE, DAY_MS / 2, DAY_MS),
);

function policiesOf({ user, perMinute, perKey, perDay }: Request): RatePolicy[] {
  const userId = `${user}-${run}`;
  const policies: RatePolicy[] = [{ name: 'rpm', window: 'minute', subject: `{${userId}}:user`, limit: perMinute }];
  if (perKey) policies.push({ name: 'key-rpm', window: 'minute', subject: `{${userId}}:key`, limit: perKey });
  if (perDay) policies.push({ name: 'daily', window: 'day', subject: `{${userId}}:day`, userId, limit: perDay });
  return policies;
}

describe.skipIf(!hasRedis)('Redis limiter', () => {
  beforeAll(async () => {
    redis = await startRedis();
    const node = () =>
      redisLimiter({ url: redis.url, readDayUnits, expectedNodes: 1, onError: () => undefined, clock: () => time });
    nodes = [node(), node()];
    for (const each of nodes) await vi.waitFor(() => expect(each.state).toBe('redis'), 10_000);
  });
  afterAll(async () => {
    for (const each of nodes) each.close();
    await redis.stop();
  });

  it('decides each request like the local limiter, over minutes and midnights', async () => {
    let rejections = 0;
    let midnights = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 30 }),
        fc.array(fc.tuple(pause, request), { maxLength: 60, size: 'max' }),
        async (units, steps) => {
          run++;
          recordedUnits = units;
          time = START;
          const local = localLimiter(readDayUnits, { now: () => time });
          for (const [pauseMs, call] of steps) {
            const before = time;
            time += pauseMs;
            const policies = policiesOf(call);
            const cost: Cost = { minute: call.minute, day: call.day };
            const [shared, alone] = await Promise.all([
              nodes[0].consume(policies, cost),
              local.consume(policies, cost),
            ]);
            expect(shared).toEqual(alone);
            if (!shared.allowed) rejections++;
            if (dayOf(time) > dayOf(before)) midnights++;
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(Math.min(rejections, midnights)).toBeGreaterThan(100);
  });

  it('delays no request when the clock of Redis is set back an hour', async () => {
    run++;
    time = START;
    const policies = policiesOf({ user: 'ann', perMinute: 4 });
    const attempt = () => nodes[0].consume(policies, { minute: 1, day: 1 });
    for (let n = 0; n < 4; n++) expect((await attempt()).allowed).toBe(true);
    time -= 60 * MINUTE;
    expect(await attempt()).toMatchObject({ allowed: false, retryAfterSeconds: 15 });
    time += MINUTE / 4;
    expect((await attempt()).allowed).toBe(true);
  });

  it('starts a new day at zero without reading the recorded usage', async () => {
    run++;
    recordedUnits = 7;
    time = START;
    const policies = policiesOf({ user: 'ann', perMinute: 9, perDay: 10 });
    const day = async () => (await nodes[0].consume(policies, { minute: 0, day: 1 })).states[1];
    expect(await day()).toMatchObject({ remaining: 2, resetSeconds: 120 });
    time = START + 2 * MINUTE - 1;
    expect(await day()).toMatchObject({ remaining: 1, resetSeconds: 1 });
    time = START + 2 * MINUTE;
    expect(await day()).toMatchObject({ remaining: 9, resetSeconds: 86_400 });
  });

  it('allows of 2,000 concurrent requests of any cost on two nodes exactly what fits', async () => {
    const limits = fc.record({
      perMinute: fc.integer({ min: 1, max: 400 }),
      perDay: fc.integer({ min: 1, max: 3_000 }),
      costs: fc.array(fc.record({ minute: fc.integer({ min: 1, max: 10 }), day: fc.integer({ min: 1, max: 100 }) }), {
        minLength: 1,
        maxLength: 10,
      }),
    });
    await fc.assert(
      fc.asyncProperty(limits, fc.nat({ max: 500 }), async ({ perMinute, perDay, costs }, units) => {
        run++;
        recordedUnits = units;
        time = START;
        const policies = policiesOf({ user: 'ann', perMinute, perDay });
        const requests = await Promise.all(
          Array.from({ length: 2_000 }, async (_, i) => {
            const cost = costs[i % costs.length] as Cost;
            return { cost, ...(await (nodes[i % 2] as Limiter).consume(policies, cost)) };
          }),
        );
        const accepted = requests.filter(({ allowed }) => allowed);
        const minute = accepted.reduce((sum, { cost }) => sum + cost.minute, 0);
        const day = accepted.reduce((sum, { cost }) => sum + cost.day, recordedUnits);
        expect(minute).toBeLessThanOrEqual(perMinute);
        if (accepted.length > 0) expect(day).toBeLessThanOrEqual(perDay);
        // A rejected request does not fit into what is left at the end.
        for (const { allowed, cost } of requests) {
          if (!allowed) expect(minute + cost.minute > perMinute || day + cost.day > perDay).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });
});
