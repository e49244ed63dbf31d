import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { upsertMembership } from '../../../db/queries/billing/memberships.ts';
import { Client, type Json } from '../../support/client.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  const plans = { plan_a: 'starter', plan_b: 'pro', plan_c: 'pro', prod_d: 'enterprise' } as const;
  const { whop } = readConfig({});
  node = await startTestService({
    whop: { ...whop, apiKey: 'key', apiUrl: 'http://127.0.0.1:9/api/v1', webhookSecrets: ['secret'], plans },
  });
});
afterAll(() => node.stop());

const membership = (id: string, fields: Json) =>
  ({
    id,
    status: 'active',
    plan_id: 'plan_b',
    product_id: null,
    tier: 'pro',
    period_end: new Date('2031-01-01T00:00:00Z'),
    gave_access: true,
    cancel_at_period_end: false,
    manage_url: `https://whop.com/manage/${id}`,
    license_hash: Buffer.alloc(32),
    changed_at: new Date(),
    read_at: new Date(),
    confirmed: true,
    ...fields,
  }) as const;

describe('GET /user/overview', () => {
  it('has usage against the plan, the newest memories, the last calls and what needs attention', async () => {
    const user = await node.newUser({ requestsPerDay: 10 });
    for (const title of ['first', 'second']) {
      await user.api.post('/memories', { title, content: `${title} ${'x'.repeat(400)}`, project: 'shop', tags: ['a'] });
    }
    for (let call = 0; call < 6; call++) await user.api.get('/stats', { 'User-Agent': 'curl/8.5.0' });
    const { status, body } = await user.api.get('/user/overview');
    expect(status).toBe(200);
    expect(body.plan.calls_today).toMatchObject({ used: 8, limit: 10, percent: 80 });
    expect(body.memories.map(({ title }: Json) => title)).toEqual(['second', 'first']);
    expect(body.memories[0]).toMatchObject({ project: 'shop', tags: ['a'] });
    expect(body.memories[0].excerpt).toHaveLength(200);
    expect(body.requests).toHaveLength(8);
    expect(body.requests[0]).toMatchObject({ operation: 'stats.get', client: 'curl/8.5.0', status: 200 });
    expect(body.attention).toMatchObject([{ kind: 'calls_limit' }]);
    expect(body.account).toEqual({ status: 'active', purge_at: null });
  });

  it('has no memories for a key that may not read them, and none of another account', async () => {
    const [user, other] = await Promise.all([node.newUser(), node.newUser()]);
    await user.api.post('/memories', { title: 'secret', content: 'of the user' });
    const { body: key } = await user.api.post('/user/keys', { name: 'meter', scopes: ['account:read'] });
    const narrow = await new Client(node.url, key.api_key).get('/user/overview');
    expect(narrow.body.memories).toBeNull();
    const foreign = await other.api.get('/user/overview');
    expect(foreign.body.memories).toEqual([]);
    expect(foreign.text).not.toContain('secret');
  });
});

describe('GET /user/memberships', () => {
  it('lists those that grant access first, with the page at Whop, and the plans with their checkouts', async () => {
    const user = await node.newUser({ plan: 'pro' });
    await node.service.database.ownerWrite(async (sql) => {
      await upsertMembership(
        sql,
        user.userId,
        membership('mem_a', { status: 'canceled', manage_url: 'javascript:alert(1)' }),
      );
      await upsertMembership(sql, user.userId, membership('mem_b', { cancel_at_period_end: true }));
    });
    const { status, body, text } = await user.api.get('/user/memberships');
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      {
        id: 'mem_b',
        plan: 'pro',
        status: 'active',
        grants_access: true,
        period_end: '2031-01-01T00:00:00.000Z',
        cancel_at_period_end: true,
        manage_url: 'https://whop.com/manage/mem_b',
      },
      { id: 'mem_a', status: 'canceled', grants_access: false, manage_url: null },
    ]);
    expect(body.plans.map(({ name, is_current, checkout_url }: Json) => [name, is_current, checkout_url])).toEqual([
      ['free', false, null],
      ['starter', false, 'https://whop.com/checkout/plan_a'],
      ['pro', true, 'https://whop.com/checkout/plan_b'],
      ['enterprise', false, null],
    ]);
    expect(text).not.toContain('license');
    expect((await (await node.newUser()).api.get('/user/memberships')).body.results).toEqual([]);
  });
});

describe('GET /user/me', () => {
  const END = '2031-01-01T00:00:00.000Z';

  it.each([
    [[], 'This account is on the pro plan, which was not bought at Whop.', null, null],
    [[{}], 'This account is on the pro plan, which renews on January 1, 2031.', END, null],
    [
      [{ cancel_at_period_end: true }],
      'This account is on the pro plan, which is canceled and ends on January 1, 2031.',
      null,
      END,
    ],
    [[{ status: 'past_due' }], 'This account is on the pro plan, which has a payment that failed.', null, null],
    [[{ status: 'expired' }], 'This account is on the pro plan; its last membership at Whop has ended.', null, null],
    [[{ period_end: null }], 'This account is on the pro plan.', null, null],
    [
      [{ tier: 'starter', cancel_at_period_end: true }, {}],
      'This account is on the pro plan, which renews on January 1, 2031.',
      END,
      null,
    ],
  ] as const)('says what becomes of a plan with the memberships %j', async (rows, summary, renewsAt, endsAt) => {
    const user = await node.newUser({ plan: 'pro' });
    const ids = rows.map((_, n) => `mem_${user.userId.slice(-12)}_${n}`);
    await node.service.database.ownerWrite(async (sql) => {
      for (const [n, fields] of rows.entries())
        await upsertMembership(sql, user.userId, membership(`${ids[n]}`, fields));
    });
    const { body } = await user.api.get('/user/me');
    const id = ids.at(-1);
    const manageUrl = id ? `https://whop.com/manage/${id}` : null;
    expect(body.billing).toEqual({ summary, renews_at: renewsAt, ends_at: endsAt, manage_url: manageUrl });
    expect(body.memberships.map((row: Json) => row.id)).toEqual(ids);
  });
});

describe('upgrade_url of an error', () => {
  it('leads to a page with the checkout of each plan', async () => {
    const user = await node.newUser({ plan: 'free' });
    const rejected = await user.api.get('/memories');
    expect([rejected.status, rejected.body.code]).toEqual([403, 'plan_required']);
    const page = await fetch(rejected.body.upgrade_url);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const html = await page.text();
    expect(html).toContain(`id="${new URL(rejected.body.upgrade_url).hash.slice(1)}"`);
    for (const plan of ['plan_a', 'plan_b']) expect(html).toContain(`href="https://whop.com/checkout/${plan}"`);
  });
});

describe('GET /user/audit-log', () => {
  it('says who did what, newest first, page by page, with the names of keys', async () => {
    const [user, other] = await Promise.all([node.newUser(), node.newUser()]);
    const { body: key } = await user.api.post('/user/keys', { name: 'laptop' });
    await new Client(node.url, key.api_key).patch(`/user/keys/${key.id}`, { name: 'desktop' });
    await user.api.delete(`/user/keys/${key.id}`);
    await other.api.post('/user/keys', { name: 'foreign' });
    const first = await user.api.get('/user/audit-log?limit=2');
    expect(first.status, first.text).toBe(200);
    expect(first.body.results).toMatchObject([
      { action: 'keys.revoke', target: key.id, target_name: 'desktop', actor_name: 'Test key' },
      { action: 'keys.update', actor: `key:${key.id}`, actor_name: 'desktop', details: { fields: ['name'] } },
    ]);
    const second = await user.api.get(`/user/audit-log?cursor=${first.body.next_cursor}`);
    expect(second.body.results[0]).toMatchObject({ action: 'keys.create', target: key.id });
    expect(second.body.next_cursor).toBeNull();
    expect(first.text + second.text).not.toContain('foreign');
    expect(first.text + second.text).not.toContain(key.api_key);
  });
});

describe('GET /stats/storage', () => {
  it('sums memories by project and type, and the kept versions', async () => {
    const user = await node.newUser();
    const store = (content: string, more: Json) => user.api.post('/memories', { title: 't', content, ...more });
    const { body: first } = await store('12345', { project: 'shop' });
    await store('1', { project: 'shop', type: 'long_term' });
    await store('123', {});
    await user.api.patch(`/memories/${first.id}`, { content: '1234567' });
    const { status, body, text } = await user.api.get('/stats/storage');
    expect(status, text).toBe(200);
    expect(body.by_project).toEqual([
      { project: 'shop', memories: 2, bytes: 10 },
      { project: null, memories: 1, bytes: 4 },
    ]);
    expect(body.by_type.map(({ type, memories }: Json) => [type, memories])).toEqual([
      ['long_term', 1],
      ['short_term', 2],
    ]);
    const parts = [...body.by_project, body.versions].reduce((sum: number, { bytes }: Json) => sum + bytes, 0);
    expect(parts).toBe(body.bytes);
    expect(body.versions.versions).toBe(1);
  });
});

describe('keys with their calls', () => {
  it('have the last call, with client and tool, and the calls of 30 days', async () => {
    const user = await node.newUser();
    const { body: key } = await user.api.post('/user/keys', { name: 'laptop' });
    const unused = await user.api.get(`/user/keys/${key.id}`);
    expect(unused.status, unused.text).toBe(200);
    expect(unused.body).toMatchObject({ id: key.id, name: 'laptop', last_call: null });
    const laptop = { Authorization: `Bearer ${key.api_key}`, 'User-Agent': 'curl/8.5.0' };
    for (let call = 0; call < 3; call++) await user.api.get('/stats', laptop);
    await user.api.get('/tags', laptop);
    const used = await user.api.get(`/user/keys/${key.id}`);
    expect(used.body.last_call).toEqual({
      at: expect.any(String),
      transport: 'rest',
      client: 'curl',
      operation: 'tags.list',
      endpoint: 'GET /api/v1/tags',
    });
    const day = new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10);
    await node.service.database.owner.query(
      `insert into usage_daily (user_id, day, transport, operation, key_id, calls) values ($1, $2, 'rest', 'x', $3, 7)`,
      [user.userId, day, key.id],
    );
    const { results } = (await user.api.get('/user/keys')).body;
    const listed = results.find(({ id }: Json) => id === key.id);
    expect(listed.calls_by_day).toEqual([7, ...Array(28).fill(0), 4]);
    expect(listed.last_call.operation).toBe('tags.list');
    const foreign = await (await node.newUser()).api.get(`/user/keys/${key.id}`);
    expect(foreign.status).toBe(404);
  });
});
