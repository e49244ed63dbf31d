import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { type Answer, Client, type Json } from '../../support/client.ts';
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

/** The daily totals that the events of a user add up to, beside those that are kept. */
async function totals(who: TestUser): Promise<{ kept: Json[]; added: Json[] }> {
  const sums = `day::text, transport, operation, sum(calls)::int as calls, sum(billable)::int as billable,
    sum(errors)::int as errors, sum(bytes_in)::int as bytes_in, sum(bytes_out)::int as bytes_out,
    sum(units)::int as units, coalesce(sum(tokens), 0)::int as tokens`;
  const kept = await node.service.database.owner.query(
    `select ${sums} from usage_daily where user_id = $1 group by day, transport, operation order by 1, 2, 3`,
    [who.userId],
  );
  const added = await node.service.database.owner.query(
    `select ${sums} from (
       select *, 1 as calls, (status >= 400)::int as errors, e.billable::int as b from usage_events e where user_id = $1
     ) e (user_id, day, id, at, api_key_id, transport, operation, method, status, was_billable, duration_ms, bytes_in, bytes_out, units, tokens, calls, errors, billable)
     group by day, transport, operation order by 1, 2, 3`,
    [who.userId],
  );
  return { kept: kept.rows, added: added.rows };
}

describe('every authenticated call', () => {
  const calls: [what: string, status: number, operation: string, call: (api: Client) => Promise<Answer>][] = [
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
    [
      'a project that cannot be one',
      422,
      'memories.list',
      (api) => api.get('/memories', { 'X-WhiteMagic-Project': '%00' }),
    ],
    ['an unknown id', 404, 'memories.get', (api) => api.get(`/memories/${MISSING}`)],
    ['an unknown id to write', 404, 'memories.delete', (api) => api.delete(`/memories/${MISSING}`)],
    ['a rule', 422, 'memories.create', (api) => api.post('/memories', { title: '', content: 'x' })],
  ];

  it.each(calls)('is one event, named in the answer: %s', async (_what, status, operation, call) => {
    const who = await node.newUser();
    const answer = await call(who.api);
    const events = await eventsOf(node, who.userId);
    const id = answer.headers.get('x-usage-event');
    const bytes_out = Buffer.byteLength(answer.text);
    expect(events).toMatchObject([{ id, status, operation, transport: 'rest', billable: true, bytes_out }]);
    expect(events[0]?.duration_ms).toBeGreaterThan(0);
    const { kept, added } = await totals(who);
    expect(kept).toEqual(added);
  });

  it('is stored with method, key and size', async () => {
    const who = await node.newUser();
    const body = JSON.stringify(note('sized'));
    const answer = await who.api.post('/memories', body);
    const { key } = (await who.api.get('/user/me')).body;
    const [event] = await eventsOf(node, who.userId);
    expect(event).toMatchObject({
      method: 'POST',
      api_key_id: key.id,
      bytes_in: Buffer.byteLength(body),
      bytes_out: Buffer.byteLength(answer.text),
    });
  });

  it('is stored with the size that came, where none was said before', async () => {
    const who = await node.newUser();
    const bytes = new TextEncoder().encode(JSON.stringify(note('in pieces')));
    const pieces = new ReadableStream({
      start(stream) {
        stream.enqueue(bytes.subarray(0, 10));
        stream.enqueue(bytes.subarray(10));
        stream.close();
      },
    });
    const headers = { Authorization: `Bearer ${who.apiKey}`, 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: pieces, duplex: 'half' } as RequestInit;
    expect((await fetch(`${node.url}/api/v1/memories`, request)).status).toBe(201);
    expect(await eventsOf(node, who.userId)).toMatchObject([{ bytes_in: bytes.length }]);
  });

  it('that is refused for a missing scope, plan or right to write is an event too', async () => {
    const who = await node.newUser();
    const narrow = await who.api.post('/user/keys', { name: 'n', scopes: ['account:read'] });
    await new Client(node.url, narrow.body.api_key).get('/memories');
    const free = await node.newUser({ plan: 'free' });
    await free.api.get('/memories');
    const lapsed = await node.newUser();
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, lapsed.userId, 'read_only', new Date()));
    await lapsed.api.post('/memories', note('read only'));
    expect((await eventsOf(node, who.userId)).map(({ operation, status }) => [operation, status])).toEqual([
      ['keys.create', 201],
      ['memories.list', 403],
    ]);
    expect(await eventsOf(node, lapsed.userId)).toMatchObject([{ operation: 'memories.create', status: 403 }]);
    expect(await eventsOf(node, free.userId)).toMatchObject([{ operation: 'memories.list', status: 403 }]);
  });

  it('is on record by the time it is answered, however many come at once', async () => {
    const who = await node.newUser();
    await Promise.all(
      Array.from({ length: 120 }, async (_, i) => {
        if (i % 4 === 0) await who.api.post('/memories', note(`${i}`));
        else if (i % 4 === 1) await who.api.get(`/memories/${MISSING}`);
        else if (i % 4 === 2) await who.api.get('/memories?limit=1');
        else await who.api.get('/memories?colour=red');
      }),
    );
    const events = await eventsOf(node, who.userId);
    expect(events).toHaveLength(120);
    expect(new Set(events.map(({ id }) => id)).size).toBe(120);
    const { kept, added } = await totals(who);
    expect(kept).toEqual(added);
    expect(kept.reduce((sum, row) => sum + row.calls, 0)).toBe(120);
    expect(kept.reduce((sum, row) => sum + row.errors, 0)).toBe(60);
  });

  it('keeps its event whatever length its header claims', async () => {
    const who = await node.newUser();
    const answer = await who.api.post('/memories', 'x'.repeat(100), { 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(415);
    expect(await eventsOf(node, who.userId)).toHaveLength(1);
  });
});

describe('what is no call of anybody', () => {
  it('leaves no event: a wrong key, an unknown address, a wrong method, a probe', async () => {
    const who = await node.newUser();
    const before = (await node.service.database.owner.query('select count(*)::int as n from usage_events')).rows[0].n;
    await new Client(node.url).get('/memories');
    await new Client(node.url, `${who.apiKey.slice(0, -1)}x`).get('/memories');
    await who.api.get('/nowhere');
    await who.api.put('/memories', {});
    for (const path of ['/health', '/ready', '/version', '/openapi.json']) await who.api.get(`${node.url}${path}`);
    const after = (await node.service.database.owner.query('select count(*)::int as n from usage_events')).rows[0].n;
    expect(after).toBe(before);
  });
});

describe('GET /user/usage', () => {
  it('adds up per day, transport and endpoint what was called before', async () => {
    const who = await node.newUser();
    await who.api.post('/memories', note('a'));
    await who.api.post('/memories', note('b'));
    await who.api.get(`/memories/${MISSING}`);
    const { body } = await who.api.get('/user/usage');
    const { mean_ms, bytes_in, bytes_out, ...create } = body.results[0];
    expect(create).toEqual({
      day: today(),
      transport: 'rest',
      operation: 'memories.create',
      endpoint: 'POST /api/v1/memories',
      calls: 2,
      billable: 2,
      errors: 0,
      units: 2,
      tokens: 0,
    });
    expect(mean_ms).toBeGreaterThan(0);
    expect([bytes_in, bytes_out].every((bytes) => bytes > 0)).toBe(true);
    expect(body.results[1]).toMatchObject({ endpoint: 'GET /api/v1/memories/{id}', calls: 1, billable: 1, errors: 1 });
    expect(body.totals).toEqual({ calls: 3, billable: 3, errors: 1 });
    // This very call is not in its own answer, but in the next.
    expect((await who.api.get('/user/usage')).body.totals.calls).toBe(4);
  });

  it('covers from and to, both included, thirty days up to today by default', async () => {
    const who = await node.newUser();
    const days = ['2026-01-01', '2026-01-02', '2026-01-03'];
    for (const [index, day] of days.entries()) {
      await node.service.database.owner.query(
        `insert into usage_daily (user_id, day, transport, operation, calls, billable) values ($1, $2, 'rest', 'memories.get', $3, 1)`,
        [who.userId, day, 10 ** index],
      );
    }
    const calls = async (query: string) => (await who.api.get(`/user/usage?${query}`)).body;
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

  it('refuses what is no day, a backward range and one that is too long', async () => {
    const who = await node.newUser();
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
      const refused = await who.api.get(`/user/usage?${query}`);
      expect(refused.status, query).toBe(status);
      expect(refused.body.errors[0].path).toBe(path);
    }
  });
});

describe('the free plan', () => {
  it('reaches no memory over REST, and everything about the account', async () => {
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
      const refused = await free.api.request(method, path, body);
      expect(refused.status, path).toBe(403);
      expect(refused.body).toMatchObject({ code: 'plan_required', plan: 'free', required_plan: 'starter' });
    }
    for (const path of ['/user/me', '/user/usage', '/user/keys']) expect((await free.api.get(path)).status).toBe(200);
    expect((await free.api.post('/user/keys', { name: 'mine' })).status).toBe(201);
    expect(
      (await node.service.database.owner.query('select 1 from memories where user_id = $1', [free.userId])).rows,
    ).toEqual([]);
  });
});
