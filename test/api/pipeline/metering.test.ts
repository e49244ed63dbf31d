import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const MISSING = '019ab0c0-0000-7000-8000-000000000000';
const today = () => new Date().toISOString().slice(0, 10);
const note = (title: string) => ({ title, content: `About ${title}` });

/** Returns the stored daily totals of a user, and the sums of the user's events. */
async function totals(owner: TestUser): Promise<{ kept: Json[]; added: Json[] }> {
  const sums = `day::text, transport, operation, sum(calls)::int as calls, sum(billable)::int as billable,
    sum(errors)::int as errors, sum(bytes_in)::int as bytes_in, sum(bytes_out)::int as bytes_out,
    sum(units)::int as units, coalesce(sum(tokens), 0)::int as tokens`;
  const kept = await node.service.database.owner.query(
    `select ${sums} from usage_daily where user_id = $1 group by day, transport, operation order by 1, 2, 3`,
    [owner.userId],
  );
  const added = await node.service.database.owner.query(
    `select ${sums} from (
       select *, 1 as calls, (status >= 400)::int as errors, e.billable::int as b from usage_events e where user_id = $1
     ) e (user_id, day, id, at, api_key_id, transport, operation, method, status, was_billable, duration_ms, bytes_in, bytes_out, units, tokens, client, request_id, code, calls, errors, billable)
     group by day, transport, operation order by 1, 2, 3`,
    [owner.userId],
  );
  return { kept: kept.rows, added: added.rows };
}

describe('metering of authenticated calls', () => {
  const calls: [name: string, status: number, operation: string, call: (api: Client) => Promise<ApiResponse>][] = [
    ['a read', 200, 'memories.list', (api) => api.get('/memories')],
    ['a write', 201, 'memories.create', (api) => api.post('/memories', note('x'))],
    ['a search', 200, 'search.query', (api) => api.post('/search', { query: 'x' })],
    ['an account call', 200, 'user.me', (api) => api.get('/user/me')],
    ['an unknown field', 400, 'memories.create', (api) => api.post('/memories', { colour: 'red' })],
    ['a malformed body', 400, 'memories.create', (api) => api.post('/memories', '{"title":')],
    [
      'a body of another type',
      415,
      'search.query',
      (api) => api.post('/search', 'x', { 'Content-Type': 'text/plain' }),
    ],
    [
      'a body too large',
      413,
      'memories.create',
      (api) => api.post('/memories', { title: 'x', content: 'x'.repeat(2_000_000) }),
    ],
    ['a bad header', 400, 'memories.create', (api) => api.post('/memories', note('y'), { 'Idempotency-Key': 'a b' })],
    ['an invalid project', 422, 'memories.list', (api) => api.get('/memories', { 'X-WhiteMagic-Project': '%00' })],
    ['an unknown id', 404, 'memories.get', (api) => api.get(`/memories/${MISSING}`)],
    ['an unknown id to write', 404, 'memories.delete', (api) => api.delete(`/memories/${MISSING}`)],
    ['a violated rule', 422, 'memories.create', (api) => api.post('/memories', { title: '', content: 'x' })],
  ];

  it.each(calls)('records one event and names it in the response: %s', async (_name, status, operation, call) => {
    const owner = await node.newUser();
    const response = await call(owner.api);
    const events = await eventsOf(node, owner.userId);
    const id = response.headers.get('x-usage-event');
    const bytes_out = Buffer.byteLength(response.text);
    expect(events).toMatchObject([{ id, status, operation, transport: 'rest', billable: true, bytes_out }]);
    expect(events[0]?.duration_ms).toBeGreaterThan(0);
    const { kept, added } = await totals(owner);
    expect(kept).toEqual(added);
  });

  it('records method, key and sizes', async () => {
    const owner = await node.newUser();
    const body = JSON.stringify(note('sized'));
    const response = await owner.api.post('/memories', body);
    const { key } = (await owner.api.get('/user/me')).body;
    const [event] = await eventsOf(node, owner.userId);
    expect(event).toMatchObject({
      method: 'POST',
      api_key_id: key.id,
      bytes_in: Buffer.byteLength(body),
      bytes_out: Buffer.byteLength(response.text),
    });
  });

  it('records the received size of a chunked body', async () => {
    const owner = await node.newUser();
    const bytes = new TextEncoder().encode(JSON.stringify(note('in pieces')));
    const pieces = new ReadableStream({
      start(stream) {
        stream.enqueue(bytes.subarray(0, 10));
        stream.enqueue(bytes.subarray(10));
        stream.close();
      },
    });
    const headers = { Authorization: `Bearer ${owner.apiKey}`, 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: pieces, duplex: 'half' } as RequestInit;
    expect((await fetch(`${node.url}/api/v1/memories`, request)).status).toBe(201);
    expect(await eventsOf(node, owner.userId)).toMatchObject([{ bytes_in: bytes.length }]);
  });

  it('records calls that are rejected for their scope, plan or account status', async () => {
    const owner = await node.newUser();
    const narrow = await owner.api.post('/user/keys', { name: 'n', scopes: ['account:read'] });
    await new Client(node.url, narrow.body.api_key).get('/memories');
    const free = await node.newUser({ plan: 'free' });
    await free.api.get('/memories');
    const lapsed = await node.newUser();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, lapsed.userId, 'read_only', new Date()));
    await lapsed.api.post('/memories', note('read only'));
    expect((await eventsOf(node, owner.userId)).map(({ operation, status }) => [operation, status])).toEqual([
      ['keys.create', 201],
      ['memories.list', 403],
    ]);
    expect(await eventsOf(node, lapsed.userId)).toMatchObject([{ operation: 'memories.create', status: 403 }]);
    expect(await eventsOf(node, free.userId)).toMatchObject([{ operation: 'memories.list', status: 403 }]);
  });

  it('records every concurrent call before its response', async () => {
    const owner = await node.newUser();
    await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        if (i % 4 === 0) await owner.api.post('/memories', note(`${i}`));
        else if (i % 4 === 1) await owner.api.get(`/memories/${MISSING}`);
        else if (i % 4 === 2) await owner.api.get('/memories?limit=1');
        else await owner.api.get('/memories?colour=red');
      }),
    );
    const events = await eventsOf(node, owner.userId);
    expect(events).toHaveLength(120);
    expect(new Set(events.map(({ id }) => id)).size).toBe(120);
    const { kept, added } = await totals(owner);
    expect(kept).toEqual(added);
    expect(kept.reduce((sum, row) => sum + row.calls, 0)).toBe(120);
    expect(kept.reduce((sum, row) => sum + row.errors, 0)).toBe(60);
  });

  it('records a call with an unsupported Content-Encoding', async () => {
    const owner = await node.newUser();
    const response = await owner.api.post('/memories', 'x'.repeat(100), { 'Content-Encoding': 'gzip' });
    expect(response.status).toBe(415);
    expect(await eventsOf(node, owner.userId)).toHaveLength(1);
  });
});

describe('metering of other requests', () => {
  it('records no event for a wrong key, unknown path, wrong method or probe', async () => {
    const owner = await node.newUser();
    const before = (await node.service.database.owner.query('select count(*)::int as n from usage_events')).rows[0].n;
    await new Client(node.url).get('/memories');
    await new Client(node.url, `${owner.apiKey.slice(0, -1)}x`).get('/memories');
    await owner.api.get('/nowhere');
    await owner.api.put('/memories', {});
    for (const path of ['/health', '/ready', '/version', '/openapi.json']) await owner.api.get(`${node.url}${path}`);
    const after = (await node.service.database.owner.query('select count(*)::int as n from usage_events')).rows[0].n;
    expect(after).toBe(before);
  });
});

describe('GET /user/usage', () => {
  it('sums previous calls by day, transport and endpoint', async () => {
    const owner = await node.newUser();
    await owner.api.post('/memories', note('a'));
    await owner.api.post('/memories', note('b'));
    await owner.api.get(`/memories/${MISSING}`);
    const { body } = await owner.api.get('/user/usage');
    const { mean_ms, p50_ms, p95_ms, bytes_in, bytes_out, ...create } = body.results[0];
    expect(create).toEqual({
      day: today(),
      transport: 'rest',
      operation: 'memories.create',
      endpoint: 'POST /api/v1/memories',
      calls: 2,
      billable: 2,
      errors: 0,
      quota_units: 2,
      tokens: 0,
    });
    expect(mean_ms).toBeGreaterThan(0);
    expect(p50_ms).toBeGreaterThan(0);
    expect(p95_ms).toBeGreaterThanOrEqual(p50_ms);
    expect([bytes_in, bytes_out].every((bytes) => bytes > 0)).toBe(true);
    expect(body.results[1]).toMatchObject({ endpoint: 'GET /api/v1/memories/{id}', calls: 1, billable: 1, errors: 1 });
    expect(body.totals).toEqual({ calls: 3, billable: 3, errors: 1 });
    // A call of /user/usage is counted from the next response on.
    expect((await owner.api.get('/user/usage')).body.totals.calls).toBe(4);
  });

  it('includes both from and to, and defaults to the thirty days up to today', async () => {
    const owner = await node.newUser();
    const days = ['2026-01-01', '2026-01-02', '2026-01-03'];
    for (const [index, day] of days.entries()) {
      await node.service.database.owner.query(
        `insert into usage_daily (user_id, day, transport, operation, calls, billable) values ($1, $2, 'rest', 'memories.get', $3, 1)`,
        [owner.userId, day, 10 ** index],
      );
    }
    const calls = async (query: string) => (await owner.api.get(`/user/usage?${query}`)).body;
    expect((await calls('from=2026-01-01&to=2026-01-02')).totals.calls).toBe(11);
    expect((await calls('from=2026-01-02&to=2026-01-02')).results.map((row: Json) => row.day)).toEqual(['2026-01-02']);
    expect((await calls('to=2026-01-31')).from).toBe('2026-01-01');
    expect((await calls('from=2026-01-01&to=2026-01-03')).results.map((row: Json) => row.day)).toEqual(
      days.toReversed(),
    );
    const byDefault = await calls('');
    expect(byDefault.to).toBe(today());
    expect(Date.parse(byDefault.to) - Date.parse(byDefault.from)).toBe(30 * DAY_MS);
  });

  it('rejects invalid days, reversed ranges and ranges that are too long', async () => {
    const owner = await node.newUser();
    const cases: [query: string, status: number, path: string][] = [
      ['from=yesterday', 400, 'from'],
      ['to=2026-02-30', 400, 'to'],
      ['to=2026-01-01T00:00:00Z', 400, 'to'],
      ['from=2026-01-02&to=2026-01-01', 422, 'from'],
      ['from=2020-01-01&to=2026-01-01', 422, 'from'],
      ['from=0000-01-01&to=0000-01-02', 422, 'from'],
      ['to=0000-01-02', 422, 'to'],
      ['day=2026-01-01', 400, 'day'],
    ];
    for (const [query, status, path] of cases) {
      const rejected = await owner.api.get(`/user/usage?${query}`);
      expect(rejected.status, query).toBe(status);
      expect(rejected.body.errors[0].path).toBe(path);
    }
  });
});

describe('free plan over REST', () => {
  it('rejects memory operations and allows account operations', async () => {
    const free = await node.newUser({ plan: 'free' });
    const memory: [method: string, path: string, body?: object][] = [
      ['GET', '/memories'],
      ['POST', '/memories', note('x')],
      ['POST', '/memories', { not: 'even valid' }],
      ['POST', '/search', { query: 'x' }],
      ['GET', '/stats'],
      ['GET', `/memories/${MISSING}`],
    ];
    for (const [method, path, body] of memory) {
      const rejected = await free.api.request(method, path, body);
      expect(rejected.status, path).toBe(403);
      expect(rejected.body).toMatchObject({ code: 'plan_required', plan: 'free', required_plan: 'starter' });
    }
    for (const path of ['/user/me', '/user/usage', '/user/keys']) expect((await free.api.get(path)).status).toBe(200);
    expect((await free.api.post('/user/keys', { name: 'mine' })).status).toBe(201);
    expect(
      (await node.service.database.owner.query('select 1 from memories where user_id = $1', [free.userId])).rows,
    ).toEqual([]);
  });
});
