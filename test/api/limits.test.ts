import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Client, type Json } from '../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { eventsOf } from '../support/usage.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const many = (count: number, call: () => Promise<Answer<Json>>) => Promise.all(Array.from({ length: count }, call));
const passed = (answers: Answer[]) => answers.filter(({ status }) => status !== 429).length;
/** How many calls a minute's allowance may give back while a test runs. */
const refilled = (perMinute: number, since: number) => Math.ceil((perMinute * (Date.now() - since)) / 60_000);

describe('the allowance of a minute', () => {
  it('is exact: of 200 calls at once precisely as many pass as the plan allows', async () => {
    // At 37 a minute one comes back every 1.6 s; the burst is over before that.
    const who = await node.newUser({ requestsPerMinute: 37 });
    const since = Date.now();
    const answers = await many(200, () => who.api.get('/user/me'));
    const spare = refilled(37, since) - 1;
    expect(passed(answers)).toBeGreaterThanOrEqual(37);
    expect(passed(answers)).toBeLessThanOrEqual(37 + spare);
    const events = await eventsOf(node, who.userId);
    expect(events).toHaveLength(200);
    // Refused calls are recorded and cost nothing.
    expect(events.filter(({ billable }) => billable)).toHaveLength(passed(answers));
    expect(events.filter(({ status, billable }) => status === 429 && !billable)).toHaveLength(200 - passed(answers));
  });

  it('is told by every answer: what is allowed, what is left, and when to come again', async () => {
    const who = await node.newUser({ requestsPerMinute: 2 });
    const first = await who.api.get('/user/me');
    expect(first.headers.get('ratelimit-policy')).toBe('"rpm";q=2;w=60');
    expect(first.headers.get('ratelimit')).toBe('"rpm";r=1;t=30');
    const second = await who.api.get(`/memories/019ab0c0-0000-7000-8000-000000000000`);
    expect(second.status).toBe(404);
    expect(second.headers.get('ratelimit')).toMatch(/^"rpm";r=0;t=(5[789]|60)$/);
    const refused = await who.api.get('/user/me');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('ratelimit')).toMatch(/^"rpm";r=0;t=(5[789]|60)$/);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(27);
    expect(seconds).toBeLessThanOrEqual(30);
    expect(refused.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'rate_limited',
      status: 429,
      'violated-policies': ['rpm'],
      retry_after_seconds: seconds,
    });
  });

  it('comes back after as many seconds as Retry-After says, and not before', async () => {
    // One call comes back every three seconds.
    const who = await node.newUser({ requestsPerMinute: 20 });
    await many(20, () => who.api.get('/user/me'));
    const refused = await who.api.get('/user/me');
    expect(refused.status).toBe(429);
    await new Promise((resolve) => setTimeout(resolve, Number(refused.headers.get('retry-after')) * 1_000));
    expect((await who.api.get('/user/me')).status).toBe(200);
  });

  it('is the user’s, not the key’s: two keys share it; another user has another', async () => {
    const who = await node.newUser({ requestsPerMinute: 10 });
    const stranger = await node.newUser({ requestsPerMinute: 10 });
    const { body } = await who.api.post('/user/keys', { name: 'second' });
    const second = new Client(node.url, body.api_key);
    const answers = await Promise.all([
      many(20, () => who.api.get('/user/me')),
      many(20, () => second.get('/user/me')),
    ]);
    expect(passed(answers.flat())).toBe(9);
    expect((await stranger.api.get('/user/me')).status).toBe(200);
  });

  it('is charged for calls that cannot be read, and not for those that authorisation refuses', async () => {
    const who = await node.newUser({ requestsPerMinute: 5 });
    await who.api.post('/memories', '{');
    await who.api.post('/memories', { colour: 'red' });
    expect((await who.api.get('/user/me')).headers.get('ratelimit')).toMatch(/^"rpm";r=2;/);
  });

  it('of a plan is the plan’s', async () => {
    const plans: [plan: 'free' | 'starter' | 'pro' | 'enterprise', perMinute: number][] = [
      ['free', 10],
      ['starter', 60],
      ['pro', 300],
      ['enterprise', 1_000],
    ];
    for (const [plan, perMinute] of plans) {
      const who = await node.newUser({ plan, requestsPerMinute: null });
      expect((await who.api.get('/user/me')).headers.get('ratelimit-policy')).toBe(`"rpm";q=${perMinute};w=60`);
    }
  });
});

describe('a limit of a key', () => {
  async function limitedKey(who: TestUser, rpm_limit: number): Promise<Client> {
    const { body } = await who.api.post('/user/keys', { name: 'slow', rpm_limit });
    return new Client(node.url, body.api_key);
  }

  it('holds for that key alone, and is told beside the user’s', async () => {
    const who = await node.newUser();
    const slow = await limitedKey(who, 3);
    expect(passed(await many(10, () => slow.get('/user/me')))).toBe(3);
    const refused = await slow.get('/user/me');
    expect(refused.body['violated-policies']).toEqual(['key-rpm']);
    expect(refused.headers.get('ratelimit-policy')).toBe('"rpm";q=1000000;w=60, "key-rpm";q=3;w=60');
    expect(refused.body.detail).toContain('3 calls a minute');
    expect((await who.api.get('/user/me')).status).toBe(200);
  });

  it('that refuses a call leaves the user’s allowance untouched', async () => {
    const who = await node.newUser({ requestsPerMinute: 10 });
    const slow = await limitedKey(who, 2);
    await many(20, () => slow.get('/user/me'));
    // One for making the key, two that passed.
    expect(passed(await many(20, () => who.api.get('/user/me')))).toBe(7);
  });
});

describe('a batch', () => {
  const memories = (count: number) => Array.from({ length: count }, (_, i) => ({ title: `b${i}`, content: `${i}` }));

  it.each([
    [1, 1],
    [10, 1],
    [11, 2],
    [95, 10],
    [100, 10],
  ])('of %i memories costs %i calls of the minute', async (count, cost) => {
    const who = await node.newUser({ requestsPerMinute: 20 });
    const { status, headers } = await who.api.post('/memories/batch', { memories: memories(count) });
    expect(status).toBe(200);
    expect(headers.get('ratelimit')).toMatch(new RegExp(`^"rpm";r=${20 - cost};`));
  });

  it('that what is left of the allowance cannot pay is refused whole, and costs nothing', async () => {
    const who = await node.newUser({ requestsPerMinute: 12 });
    await many(5, () => who.api.get('/user/me'));
    const refused = await who.api.post('/memories/batch', { memories: memories(100) });
    expect(refused.status).toBe(429);
    expect(['14', '15']).toContain(refused.headers.get('retry-after'));
    expect((await who.api.get('/memories')).body.total).toBe(0);
    expect(passed(await many(20, () => who.api.get('/user/me')))).toBe(6);
  });

  it('that no minute could ever pay is refused as too large, not told to wait', async () => {
    const who = await node.newUser({ requestsPerMinute: 9 });
    const refused = await who.api.post('/memories/batch', { memories: memories(100) });
    expect(refused.status).toBe(413);
    expect(refused.body.code).toBe('batch_too_large');
    expect(refused.headers.get('retry-after')).toBeNull();
    expect((await who.api.post('/memories/batch', { memories: memories(90) })).status).toBe(200);
  });
});
