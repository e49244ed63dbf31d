import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cost, localLimiter, type MinutePolicy } from '../../api/limits/local-limiter.ts';

const SECOND = 1_000;
const policy = (limit: number, subject = 'user'): MinutePolicy => ({
  name: 'rpm',
  window: 'minute',
  subject: `{${subject}}:rpm`,
  limit,
});
const cost = (minute: number): Cost => ({ minute, day: minute });
const limiterAt = (now: () => number) => localLimiter(async () => 0, { now });

/** Requests with the pause before each in milliseconds, and their cost. */
const sequences = fc.array(
  fc.record({
    pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 90 * SECOND })),
    cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10 })),
  }),
  { maxLength: 120 },
);
const limit = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000 }));

describe('local limiter', () => {
  it('allows exactly its limit at one instant', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2_000 }), fc.nat({ max: 200 }), async (q, more) => {
        const limiter = limiterAt(() => 1_764_000_000_000);
        const decisions = await Promise.all(
          Array.from({ length: q + more }, () => limiter.consume([policy(q)], cost(1))),
        );
        expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(q);
        expect(decisions.slice(0, q).every(({ allowed }) => allowed)).toBe(true);
        expect(decisions.map(({ states }) => states[0]?.remaining)).toEqual(
          decisions.map((_, n) => Math.max(0, q - 1 - n)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('allows at most q + q·t/60 in any window of t seconds', async () => {
    await fc.assert(
      fc.asyncProperty(limit, sequences, async (q, sequence) => {
        const allowed = (await play(q, sequence)).filter(({ allowed }) => allowed);
        for (let from = 0; from < allowed.length; from++) {
          let cost = 0;
          for (let to = from; to < allowed.length; to++) {
            const [first, last] = [allowed[from] as Played, allowed[to] as Played];
            cost += last.cost;
            expect(cost).toBeLessThanOrEqual(q + (q * (last.at - first.at)) / (60 * SECOND) + 1e-6);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('rejects only what a plain token bucket rejects, with the right time to wait', async () => {
    await fc.assert(
      fc.asyncProperty(limit, sequences, async (q, sequence) => {
        let tokens = q;
        let time = 0;
        for (const { at, cost, allowed, retryAfterSeconds } of await play(q, sequence)) {
          tokens = Math.min(q, tokens + ((at - time) * q) / (60 * SECOND));
          time = at;
          // Within rounding the two may differ.
          if (Math.abs(tokens - cost) > 1e-6) expect(allowed).toBe(tokens > cost);
          if (allowed) tokens -= cost;
          else if (cost <= q) {
            const missingSeconds = ((cost - tokens) * 60) / q;
            expect(retryAfterSeconds).toBeGreaterThanOrEqual(missingSeconds - 1e-6);
            expect(retryAfterSeconds).toBeLessThan(missingSeconds + 1 + 1e-6);
          } else expect(allowed).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refills by a monotonic clock while the time of day is set back and forth', async () => {
    let time = Date.parse('2026-11-23T12:00:00Z');
    let tick = 0;
    const limiter = localLimiter(async () => 0, { now: () => time, elapsed: () => tick });
    const attempt = () => limiter.consume([policy(4)], cost(1));
    for (let n = 0; n < 4; n++) expect((await attempt()).allowed).toBe(true);
    for (const jump of [-3_600 * SECOND, 7_200 * SECOND, -24 * 3_600 * SECOND]) {
      time += jump;
      expect(await attempt()).toMatchObject({ allowed: false, retryAfterSeconds: 15 });
      tick += 15 * SECOND;
      expect((await attempt()).allowed).toBe(true);
    }
  });

  it('delays no request when its only clock is set back', async () => {
    let time = Date.parse('2026-11-23T12:00:00Z');
    const limiter = limiterAt(() => time);
    const attempt = () => limiter.consume([policy(4)], cost(1));
    for (let n = 0; n < 4; n++) await attempt();
    time -= 3_600 * SECOND;
    expect(await attempt()).toMatchObject({ allowed: false, retryAfterSeconds: 15 });
    time += 15 * SECOND;
    expect((await attempt()).allowed).toBe(true);
  });

  it('consumes from all policies or from none, and keeps subjects apart', async () => {
    const step = fc.record({
      pauseMs: fc.integer({ min: 0, max: 5 * SECOND }),
      user: fc.constantFrom('ann', 'bob'),
      key: fc.constantFrom(undefined, 'k1', 'k2'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 10 }),
        fc.array(step, { maxLength: 100 }),
        async (userQ, keyQ, steps) => {
          let time = 0;
          const limiter = limiterAt(() => time);
          const buckets = new Map<string, { tokens: number; at: number }>();
          for (const { pauseMs, user, key } of steps) {
            time += pauseMs;
            const policies = [policy(userQ, user), ...(key ? [policy(keyQ, `${user}-${key}`)] : [])];
            const { allowed, violated } = await limiter.consume(policies, cost(1));
            const filled = policies.map(({ subject, limit }) => {
              const bucket = buckets.get(subject) ?? { tokens: limit, at: time };
              const tokens = Math.min(limit, bucket.tokens + ((time - bucket.at) * limit) / (60 * SECOND));
              return { subject, tokens };
            });
            const close = filled.some(({ tokens }) => Math.abs(tokens - 1) < 1e-6);
            if (!close) expect(allowed).toBe(filled.every(({ tokens }) => tokens >= 1));
            expect(violated.length > 0).toBe(!allowed);
            for (const { subject, tokens } of filled) {
              buckets.set(subject, { tokens: allowed ? tokens - 1 : tokens, at: time });
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

interface Played {
  at: number;
  cost: number;
  allowed: boolean;
  retryAfterSeconds: number;
}

async function play(q: number, sequence: readonly { pauseMs: number; cost: number }[]): Promise<Played[]> {
  let at = 0;
  const limiter = limiterAt(() => at);
  const played: Played[] = [];
  for (const { pauseMs, cost } of sequence) {
    at += pauseMs;
    const { allowed, retryAfterSeconds } = await limiter.consume([policy(q)], { minute: cost, day: cost });
    played.push({ at, cost, allowed, retryAfterSeconds });
  }
  return played;
}
