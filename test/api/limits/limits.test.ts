import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import { connectMcp, textOf } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

const clock = createClock();
let node: TestService;

beforeAll(async () => {
  node = await startTestService({ now: clock.now });
});
afterEach(() => clock.reset());
afterAll(() => node.stop());

const burst = (count: number, call: () => Promise<ApiResponse<Json>>) =>
  Promise.all(Array.from({ length: count }, call));
const allowed = (answers: ApiResponse[]) => answers.filter(({ status }) => status !== 429).length;
/** Returns the most requests that a limit may refill since a time. */
const refilled = (perMinute: number, since: number) => Math.ceil((perMinute * (Date.now() - since)) / 60_000);

describe('limit per minute', () => {
  it('allows exactly its number of 200 concurrent requests', async () => {
    // At 37 a minute one request is refilled every 1.6 s; the burst takes less.
    const who = await node.newUser({ requestsPerMinute: 37 });
    const since = Date.now();
    const answers = await burst(200, () => who.api.get('/user/me'));
    const spare = refilled(37, since) - 1;
    expect(allowed(answers)).toBeGreaterThanOrEqual(37);
    expect(allowed(answers)).toBeLessThanOrEqual(37 + spare);
    const events = await eventsOf(node, who.userId);
    expect(events).toHaveLength(200);
    // Rejected requests are recorded and cost nothing.
    expect(events.filter(({ billable }) => billable)).toHaveLength(allowed(answers));
    expect(events.filter(({ status, billable }) => status === 429 && !billable)).toHaveLength(200 - allowed(answers));
  });

  it('is in the headers of every response: limit, remaining units, and seconds to wait', async () => {
    const who = await node.newUser({ requestsPerMinute: 2 });
    const first = await who.api.get('/user/me');
    expect(first.headers.get('ratelimit-policy')).toBe('"rpm";q=2;w=60, "daily";q=1000000;w=86400');
    // The minute is refilled in 30 s, the day at midnight.
    const [, tomorrow] = first.headers.get('ratelimit')?.match(/^"rpm";r=1;t=30, "daily";r=999999;t=(\d+)$/) ?? [];
    expect(Number(tomorrow)).toBeGreaterThan(0);
    expect(Number(tomorrow)).toBeLessThanOrEqual(86_400);
    const second = await who.api.get(`/memories/019ab0c0-0000-7000-8000-000000000000`);
    expect(second.status).toBe(404);
    expect(second.headers.get('ratelimit')).toMatch(/^"rpm";r=0;t=(2[789]|30), "daily";r=999998;/);
    const from = Date.now();
    const rejected = await who.api.get('/user/me');
    const to = Date.now();
    expect(rejected.status).toBe(429);
    expect(rejected.headers.get('ratelimit')).toMatch(/^"rpm";r=0;t=(2[789]|30), "daily";r=999998;/);
    const seconds = Number(rejected.headers.get('retry-after'));
    expect(`${seconds}`).toBe(/^"rpm";r=0;t=(\d+)/.exec(rejected.headers.get('ratelimit') ?? '')?.[1]);
    expect(rejected.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'rate_limited',
      status: 429,
      'violated-policies': ['rpm'],
      retry_after_seconds: seconds,
      limit: 2,
      remaining: 0,
      upgrade_url: `${node.url}/#plans`,
    });
    const resetsAt = Date.parse(rejected.body.resets_at);
    expect(resetsAt).toBeGreaterThan(from + (seconds - 1) * 1000);
    expect(resetsAt).toBeLessThanOrEqual(to + seconds * 1000);
  });

  it('is in the headers of a response that was rejected before anything was consumed', async () => {
    const who = await node.newUser({ plan: 'free', requestsPerMinute: 2, requestsPerDay: 9 });
    for (let i = 0; i < 3; i++) {
      const rejected = await who.api.get('/memories');
      expect([rejected.status, rejected.body.code]).toEqual([403, 'plan_required']);
      expect(rejected.headers.get('ratelimit')).toMatch(/^"rpm";r=2;t=0, "daily";r=9;t=\d+$/);
    }
  });

  it('is refilled after exactly the seconds of Retry-After', async () => {
    clock.stop();
    // One request is refilled every three seconds.
    const who = await node.newUser({ requestsPerMinute: 20 });
    await burst(20, () => who.api.get('/user/me'));
    const rejected = await who.api.get('/user/me');
    expect(rejected.status).toBe(429);
    const retryAfterMs = Number(rejected.headers.get('retry-after')) * 1_000;
    clock.advance(retryAfterMs - 1);
    expect((await who.api.get('/user/me')).status).toBe(429);
    clock.advance(1);
    expect((await who.api.get('/user/me')).status).toBe(200);
  });

  it('is shared by all keys of a user and separate for each user', async () => {
    const who = await node.newUser({ requestsPerMinute: 10 });
    const stranger = await node.newUser({ requestsPerMinute: 10 });
    const { body } = await who.api.post('/user/keys', { name: 'second' });
    const second = new Client(node.url, body.api_key);
    const answers = await Promise.all([
      burst(20, () => who.api.get('/user/me')),
      burst(20, () => second.get('/user/me')),
    ]);
    expect(allowed(answers.flat())).toBe(9);
    expect((await stranger.api.get('/user/me')).status).toBe(200);
  });

  it('counts requests with an invalid body', async () => {
    const who = await node.newUser({ requestsPerMinute: 5 });
    await who.api.post('/memories', '{');
    await who.api.post('/memories', { colour: 'red' });
    expect((await who.api.get('/user/me')).headers.get('ratelimit')).toMatch(/^"rpm";r=2;/);
  });

  it('is that of the plan', async () => {
    const plans: [plan: 'free' | 'starter' | 'pro' | 'enterprise', perMinute: number, perDay: number][] = [
      ['free', 10, 100],
      ['starter', 60, 5_000],
      ['pro', 300, 50_000],
      ['enterprise', 1_000, 1_000_000],
    ];
    for (const [plan, perMinute, perDay] of plans) {
      const who = await node.newUser({ plan, requestsPerMinute: null });
      expect((await who.api.get('/user/me')).headers.get('ratelimit-policy')).toBe(
        `"rpm";q=${perMinute};w=60, "daily";q=${perDay};w=86400`,
      );
    }
  });
});

describe('limit of a key', () => {
  async function limitedKey(who: TestUser, rpm_limit: number): Promise<Client> {
    const { body } = await who.api.post('/user/keys', { name: 'slow', rpm_limit });
    return new Client(node.url, body.api_key);
  }

  it('applies to that key only, and is in the headers beside the user’s', async () => {
    const who = await node.newUser();
    const slow = await limitedKey(who, 3);
    expect(allowed(await burst(10, () => slow.get('/user/me')))).toBe(3);
    const rejected = await slow.get('/user/me');
    expect(rejected.body['violated-policies']).toEqual(['key-rpm']);
    expect(rejected.headers.get('ratelimit-policy')).toBe(
      '"rpm";q=1000000;w=60, "key-rpm";q=3;w=60, "daily";q=1000000;w=86400',
    );
    expect(rejected.body.detail).toContain('3 calls a minute');
    expect((await who.api.get('/user/me')).status).toBe(200);
  });

  it('consumes nothing of the user’s limit when it rejects a request', async () => {
    const who = await node.newUser({ requestsPerMinute: 10 });
    const slow = await limitedKey(who, 2);
    await burst(20, () => slow.get('/user/me'));
    // One request created the key, two were allowed.
    expect(allowed(await burst(20, () => who.api.get('/user/me')))).toBe(7);
  });
});

const memories = (count: number) => Array.from({ length: count }, (_, i) => ({ title: `b${i}`, content: `${i}` }));

/** Returns the quota units that a user has consumed, by the usage events and by the daily totals. */
async function unitsOf(who: TestUser): Promise<[events: number, daily: number]> {
  const { rows } = await node.service.database.owner.query(
    `select (select coalesce(sum(units), 0)::int from usage_events where user_id = $1) as events,
      (select coalesce(sum(units), 0)::int from usage_daily where user_id = $1) as daily`,
    [who.userId],
  );
  return [rows[0].events, rows[0].daily];
}

describe('limit per day', () => {
  it('allows exactly its number of 200 concurrent requests, and counts only those', async () => {
    const who = await node.newUser({ requestsPerDay: 37 });
    expect(allowed(await burst(200, () => who.api.get('/user/me')))).toBe(37);
    expect(await unitsOf(who)).toEqual([37, 37]);
  });

  it('rejects with quota_exceeded and the time of the reset when it is used up', async () => {
    const who = await node.newUser({ requestsPerDay: 1 });
    await who.api.get('/user/me');
    const rejected = await who.api.get('/user/me');
    expect(rejected.status).toBe(429);
    const seconds = Number(rejected.headers.get('retry-after'));
    const midnight = new Date(Math.ceil(Date.now() / DAY_MS) * DAY_MS).toISOString();
    expect(rejected.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'quota_exceeded',
      'violated-policies': ['daily'],
      retry_after_seconds: seconds,
      limit: 1,
      remaining: 0,
      resets_at: midnight,
      upgrade_url: `${node.url}/#plans`,
    });
    expect(rejected.headers.get('ratelimit')).toContain(`"daily";r=0;t=${seconds}`);
    expect(rejected.body.detail).toBe(
      `0 of the 1 calls of this UTC day are left; they come back in ${seconds} s, at ${midnight}.`,
    );
  });

  it('determines the error code when the limit per minute is used up too', async () => {
    const who = await node.newUser({ requestsPerMinute: 2, requestsPerDay: 2 });
    await burst(2, () => who.api.get('/user/me'));
    const { body } = await who.api.get('/user/me');
    expect([body.code, body['violated-policies']]).toEqual(['quota_exceeded', ['rpm', 'daily']]);
  });

  it('counts every request that passed the limiter, whatever its status, and no other', async () => {
    const who = await node.newUser({ requestsPerDay: 20 });
    await who.api.get('/user/me');
    await who.api.post('/memories', '{');
    await who.api.get('/memories/019ab0c0-0000-7000-8000-000000000000');
    await who.api.post('/memories/batch', { memories: memories(7) });
    expect(await unitsOf(who)).toEqual([10, 10]);
    expect((await who.api.post('/memories/batch', { memories: memories(11) })).body.code).toBe('quota_exceeded');
    expect((await who.api.post('/memories/batch', { memories: memories(21) })).body.code).toBe('batch_too_large');
    const narrow = await who.api.post('/user/keys', { name: 'narrow', scopes: ['account:read'] });
    expect((await new Client(node.url, narrow.body.api_key).get('/memories')).body.code).toBe('scope_required');
    expect(await unitsOf(who)).toEqual([11, 11]);
    expect((await who.api.get('/user/me')).headers.get('ratelimit')).toContain('"daily";r=8;');
  });

  it('counts the replay of an Idempotency-Key, which records no second event', async () => {
    const who = await node.newUser({ requestsPerDay: 3 });
    const create = () => who.api.post('/memories', { title: 'once', content: 'once' }, { 'Idempotency-Key': 'k' });
    expect([(await create()).status, (await create()).status, (await create()).status]).toEqual([201, 201, 201]);
    expect((await create()).status).toBe(429);
    expect(await unitsOf(who)).toEqual([1, 1]);
  });

  it('survives a restart: the count starts from the recorded usage', async () => {
    const first = await startTestService({ databaseUrl: node.databaseUrl });
    const who = await first.newUser({ requestsPerDay: 30 });
    await who.api.post('/memories/batch', { memories: memories(24) });
    await first.stop();
    const second = await startTestService({ databaseUrl: node.databaseUrl });
    const again = new Client(second.url, who.apiKey);
    expect(allowed(await burst(40, () => again.get('/user/me')))).toBe(6);
    await second.stop();
  });

  it('starts at zero on each UTC day', async () => {
    const who = await node.newUser({ requestsPerDay: 4 });
    const { owner } = node.service.database;
    await owner.query(
      `insert into usage_daily (user_id, day, transport, operation, calls, units)
        values ($1, (now() at time zone 'utc')::date - 1, 'rest', 'user.me', 9, 9), ($1, (now() at time zone 'utc')::date, 'rest', 'x', 1, 1)`,
      [who.userId],
    );
    expect(allowed(await burst(10, () => who.api.get('/user/me')))).toBe(3);
  });
});

describe('limits of a plan', () => {
  it('have different error codes over REST: feature, quota, storage, rate', async () => {
    const free = await node.newUser({ plan: 'free' });
    const spent = await node.newUser({ requestsPerDay: 1 });
    await spent.api.get('/stats');
    const full = await node.newUser({ storageBytes: 10 });
    const fast = await node.newUser({ requestsPerMinute: 1 });
    await fast.api.get('/stats');
    const answers = [
      await free.api.get('/stats'),
      await spent.api.get('/stats'),
      await full.api.post('/memories', { title: 'More than', content: 'ten bytes' }),
      await fast.api.get('/stats'),
    ];
    expect(answers.map(({ status, body }) => [status, body.code, body['violated-policies']])).toEqual([
      [403, 'plan_required', undefined],
      [429, 'quota_exceeded', ['daily']],
      [403, 'storage_full', undefined],
      [429, 'rate_limited', ['rpm']],
    ]);
    for (const { body } of answers) expect(body.upgrade_url).toBe(`${node.url}/#plans`);
  });

  it('have different error codes over MCP, which every plan has', async () => {
    const free = await node.newUser({ plan: 'free', requestsPerMinute: 10 });
    const spent = await node.newUser({ requestsPerDay: 1 });
    const full = await node.newUser({ storageBytes: 10 });
    const fast = await node.newUser({ requestsPerMinute: 1 });
    const note = { title: 'More than', content: 'ten bytes' };
    const rejections = await Promise.all(
      [spent, full, fast].map(async (who) => {
        const client = await connectMcp(node, who);
        if (who !== full) await client.read('list_memories');
        const result = await client.tool('create_memory', note);
        await client.close();
        return result;
      }),
    );
    const client = await connectMcp(node, free);
    await client.use('create_memory', note);
    await client.close();
    const { _meta: quota } = rejections[0] as { _meta: Record<string, unknown> };
    expect(quota).toEqual({
      'whitemagic/code': 'quota_exceeded',
      'whitemagic/status': 429,
      'whitemagic/request_id': expect.any(String),
      'whitemagic/usage_event': expect.any(String),
      'whitemagic/violated_policies': ['daily'],
      'whitemagic/retry_after_seconds': expect.any(Number),
      'whitemagic/limit': 1,
      'whitemagic/remaining': 0,
      'whitemagic/resets_at': expect.stringMatching(/T00:00:00\.000Z$/),
      'whitemagic/upgrade_url': `${node.url}/#plans`,
    });
    const texts = rejections.map((result) => textOf(result).replace(/in \d+ s|at 20\S+Z/g, '<when>'));
    const plans = `\nPlans: ${node.url}/#plans`;
    expect(texts).toEqual([
      `The day's calls of your plan are used up (quota_exceeded). 0 of the 1 calls of this UTC day are left; they come back <when>, <when>.${plans}`,
      expect.stringMatching(/^The storage of your plan is full \(storage_full\)\. .*\nPlans: /),
      `Too many requests (rate_limited). More than 1 calls a minute; try again <when>.${plans}`,
    ]);
  });
});

describe('batch', () => {
  it.each([
    [1, 1],
    [10, 1],
    [11, 2],
    [95, 10],
    [100, 10],
  ])('of %i memories costs %i units of the minute', async (count, cost) => {
    const who = await node.newUser({ requestsPerMinute: 20 });
    const { status, headers } = await who.api.post('/memories/batch', { memories: memories(count) });
    expect(status).toBe(200);
    expect(headers.get('ratelimit')).toMatch(new RegExp(`^"rpm";r=${20 - cost};`));
  });

  it('is rejected as a whole and costs nothing when the remaining units do not suffice', async () => {
    const who = await node.newUser({ requestsPerMinute: 12 });
    await burst(5, () => who.api.get('/user/me'));
    const rejected = await who.api.post('/memories/batch', { memories: memories(100) });
    expect(rejected.status).toBe(429);
    expect(['14', '15']).toContain(rejected.headers.get('retry-after'));
    expect((await who.api.get('/memories')).body.total).toBe(0);
    expect(allowed(await burst(20, () => who.api.get('/user/me')))).toBe(6);
  });

  it('is rejected with 413 when it costs more than the limit of a minute', async () => {
    const who = await node.newUser({ requestsPerMinute: 9 });
    const rejected = await who.api.post('/memories/batch', { memories: memories(100) });
    expect(rejected.status).toBe(413);
    expect(rejected.body.code).toBe('batch_too_large');
    expect(rejected.headers.get('retry-after')).toBeNull();
    expect((await who.api.post('/memories/batch', { memories: memories(90) })).status).toBe(200);
  });
});
