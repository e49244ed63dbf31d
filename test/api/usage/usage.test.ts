import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { countTokens } from '../../../api/tokens/count.ts';
import { updateOverrides } from '../../../db/queries/accounts/users.ts';
import { countDuration, DURATION_BOUNDS_MS } from '../../../db/queries/usage/durations.ts';
import { sumUsageByHour } from '../../../db/queries/usage/hours.ts';
import { Client, type Json } from '../../support/client.ts';
import { connectMcp } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const today = () => new Date().toISOString().slice(0, 10);
const daysAgo = (days: number) => new Date(Date.parse(today()) - days * DAY_MS).toISOString().slice(0, 10);
const MISSING = '0198a3b2-7c1d-7e2f-8a9b-0c1d2e3f4a5b';

/** Adds requests of a day to a user's totals. */
async function addDay(user: TestUser, day: string, calls: number, operation = 'memories.get'): Promise<void> {
  await node.service.database.owner.query(
    `insert into usage_daily (user_id, day, transport, operation, calls, billable, units, tokens) values ($1, $2, 'rest', $4, $3, $3, $3, 7)`,
    [user.userId, day, calls, operation],
  );
}

/** Creates a user with two creates and a 404 over REST, and one list over MCP. */
async function busyUser(): Promise<TestUser> {
  const user = await node.newUser();
  for (const title of ['a', 'b']) await user.api.post('/memories', { title, content: title });
  await user.api.get(`/memories/${MISSING}`);
  const client = await connectMcp(node, user);
  await client.read('list_memories');
  await client.close();
  return user;
}

describe('usage groups', () => {
  const rowsBy = async (user: TestUser, group: string) => {
    const { status, body, text } = await user.api.get(`/user/usage?group_by=${group}`);
    expect(status, text).toBe(200);
    return body;
  };
  const pick = (row: Json, ...fields: string[]) => fields.map((field) => row[field]);

  it('by operation and by transport sum the same requests', async () => {
    const user = await busyUser();
    const byOperation = await rowsBy(user, 'operation');
    expect(byOperation.results.map((row: Json) => pick(row, 'operation', 'calls', 'errors'))).toEqual([
      ['memories.create', 2, 0],
      ['memories.get', 1, 1],
      ['memories.list', 1, 0],
    ]);
    expect(byOperation.totals).toEqual({ calls: 4, billable: 4, errors: 1 });
    const byTransport = await rowsBy(user, 'transport');
    expect(byTransport.results.map((row: Json) => pick(row, 'transport', 'calls'))).toEqual([
      // The previous request is included.
      ['rest', 4],
      ['mcp_http', 1],
    ]);
  });

  it('by day sum transports and operations, newest first, with only the fields of the grouping', async () => {
    const user = await node.newUser();
    await addDay(user, daysAgo(1), 3);
    await addDay(user, daysAgo(1), 4, 'stats.get');
    await addDay(user, daysAgo(2), 1);
    const { results, totals } = await rowsBy(user, 'day');
    expect(results.map((row: Json) => pick(row, 'day', 'calls', 'quota_units', 'tokens'))).toEqual([
      [daysAgo(1), 7, 7, 14],
      [daysAgo(2), 1, 1, 7],
    ]);
    expect(Object.keys(results[0])).toEqual([
      'day',
      'calls',
      'billable',
      'errors',
      'mean_ms',
      'p50_ms',
      'p95_ms',
      'bytes_in',
      'bytes_out',
      'quota_units',
      'tokens',
    ]);
    expect(totals.calls).toBe(8);
  });

  it('by hour are UTC hours of single requests, newest first', async () => {
    const user = await busyUser();
    const { rows } = await node.service.database.owner.query('select * from usage_events where user_id = $1 limit 1', [
      user.userId,
    ]);
    const [{ id: _id, at: _at, day: _day, ...event }] = rows;
    const columns = Object.keys(event).join(', ');
    for (const [at, id] of [
      ['T09:59:59.999Z', '00000000-0000-7000-8000-000000000001'],
      ['T10:00:00.000Z', '00000000-0000-7000-8000-000000000002'],
      ['T10:59:59.999Z', '00000000-0000-7000-8000-000000000003'],
    ]) {
      await node.service.database.owner.query(
        `insert into usage_events (id, day, at, ${columns}) select $2, $3, $4, ${columns} from usage_events where user_id = $1 limit 1`,
        [user.userId, id, daysAgo(3), `${daysAgo(3)}${at}`],
      );
    }
    const { results } = await rowsBy(user, 'hour');
    expect(results.slice(-2).map((row: Json) => pick(row, 'hour', 'calls'))).toEqual([
      [`${daysAgo(3)}T10:00:00.000Z`, 2],
      [`${daysAgo(3)}T09:00:00.000Z`, 1],
    ]);
    const calls = results.slice(0, -2).reduce((sum: number, row: Json) => sum + row.calls, 0);
    expect(calls).toBe(4);
  });

  it('by hour count durations in the same ranges as the daily totals', async () => {
    const user = await node.newUser();
    const durations = [0, ...DURATION_BOUNDS_MS, 40_000].flatMap((bound) => [bound, Math.max(0, bound - 0.25)]);
    const { owner } = node.service.database;
    await owner.query(
      `insert into usage_events
        (user_id, day, id, at, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out)
        select $1, $2::date, gen_random_uuid(), $2::timestamptz, 'rest', 'stats.get', 'GET', 200, true, duration_ms, 1, 1
        from unnest($3::real[]) duration_ms`,
      [user.userId, daysAgo(2), durations],
    );
    const counts = durations.map(countDuration);
    const expected = counts[0]?.map((_, range) => counts.reduce((sum, one) => sum + (one[range] ?? 0), 0));
    const [hour] = await sumUsageByHour(owner, user.userId, daysAgo(2), daysAgo(2));
    expect(hour).toMatchObject({ calls: durations.length, duration_counts: expected });
  });

  it('by client have the names of programs, and filters select by key, client, transport and operation', async () => {
    const user = await node.newUser();
    const key = (await user.api.post('/user/keys', { name: 'laptop' }, { 'User-Agent': 'acme-bot/1' })).body;
    const bearer = { Authorization: `Bearer ${key.api_key}` };
    for (const agent of ['curl/8.5.0', 'curl/8.6.0', 'acme-bot/2']) {
      await user.api.get('/stats', { ...bearer, 'User-Agent': agent });
    }
    const { results } = await rowsBy(user, 'client');
    expect(results.map((row: Json) => pick(row, 'client', 'calls'))).toEqual([
      ['acme-bot', 2],
      ['curl', 2],
    ]);
    const calls = async (filter: string) => (await user.api.get(`/user/usage?${filter}`)).body.totals.calls;
    expect(await calls('client=curl')).toBe(2);
    expect(await calls(`key_id=${key.id}`)).toBe(3);
    expect(await calls(`key_id=${key.id}&client=acme-bot`)).toBe(1);
    expect(await calls('operation=keys.create')).toBe(1);
    expect(await calls('transport=mcp_http')).toBe(0);
    expect(await calls('client=curl&operation=keys.create')).toBe(0);
  });

  it('have percentiles, estimated from the durations of single calls', async () => {
    const user = await node.newUser();
    const counts = Array.from({ length: 25 }, () => 0);
    // 90 calls of 10 to 15 ms, 10 of 200 to 300 ms.
    [counts[6], counts[14]] = [90, 10];
    await node.service.database.owner.query(
      `insert into usage_daily (user_id, day, transport, operation, calls, duration_counts) values ($1, $2, 'rest', 'x', 100, $3)`,
      [user.userId, daysAgo(1), counts],
    );
    await addDay(user, daysAgo(2), 3);
    const { results } = await rowsBy(user, 'day');
    expect(results.map((row: Json) => pick(row, 'day', 'p50_ms', 'p95_ms'))).toEqual([
      [daysAgo(1), 12.8, 250],
      [daysAgo(2), null, null],
    ]);
  });

  it('leave out the calls of the dashboard unless its transport is named', async () => {
    const user = await node.newUser();
    await node.service.database.owner.query(
      `insert into usage_daily (user_id, day, transport, operation, calls) values ($1, $2, 'dashboard', 'user.me', 5)`,
      [user.userId, daysAgo(1)],
    );
    await addDay(user, daysAgo(1), 2);
    expect((await rowsBy(user, 'day')).totals.calls).toBe(2);
    expect((await user.api.get('/user/usage?transport=dashboard')).body.totals.calls).toBe(5);
  });

  it('by key have the names of keys, revoked ones too', async () => {
    const user = await node.newUser();
    const laptop = (await user.api.post('/user/keys', { name: 'laptop' })).body;
    for (let call = 0; call < 3; call++) await new Client(node.url, laptop.api_key).get('/stats');
    await user.api.delete(`/user/keys/${laptop.id}`);
    const { results } = await rowsBy(user, 'key');
    expect(results.map((row: Json) => pick(row, 'key_name', 'calls'))).toEqual([
      ['laptop', 3],
      ['Test key', 2],
    ]);
    expect(results[0].key_id).toBe(laptop.id);
  });

  it('exclude the requests of other users', async () => {
    const [busy, idle] = await Promise.all([busyUser(), node.newUser()]);
    for (const group of ['day', 'hour', 'operation', 'key', 'transport', 'client']) {
      const fresh = await node.newUser();
      expect((await rowsBy(fresh, group)).results).toEqual([]);
    }
    expect((await busy.api.get('/user/usage')).body.totals.calls).toBe(4);
    expect((await idle.api.get('/user/usage')).body.plan.calls_today.used).toBe(0);
  });

  it('by hour are rejected for more than 7 days, the others for more than 400', async () => {
    const { api } = await node.newUser();
    expect((await api.get('/user/usage?group_by=hour&days=7')).status).toBe(200);
    const rejected = await api.get('/user/usage?group_by=hour&days=8');
    expect(rejected.status).toBe(422);
    expect(rejected.body.errors).toEqual([{ path: 'days', message: 'covers 8 days; the maximum is 7 by hour' }]);
    const early = await api.get('/user/usage?group_by=hour&from=2026-01-01&to=2026-02-01');
    expect(early.body.errors[0].path).toBe('from');
    expect((await api.get('/user/usage?group_by=key&days=400')).status).toBe(200);
    expect((await api.get('/user/usage?days=400')).status).toBe(200);
    expect((await api.get('/user/usage?days=401')).status).toBe(422);
    expect((await api.get('/user/usage?days=2&from=2026-01-01')).body.errors[0].path).toBe('days');
    expect((await api.get('/user/usage?group_by=colour')).status).toBe(400);
  });

  it('cover the requested number of days', async () => {
    const { api } = await node.newUser();
    const { body } = await api.get('/user/usage?days=7&to=2026-03-07');
    expect([body.from, body.to]).toEqual(['2026-03-01', '2026-03-07']);
  });
});

describe('share of the plan', () => {
  it('counts today’s quota units, a batch by its items, and the storage with versions', async () => {
    const user = await node.newUser();
    const overrides = { requests_per_minute: 1_000, requests_per_day: 40, storage_bytes: 400 };
    await node.service.database.ownerWrite((sql) => updateOverrides(sql, user.userId, overrides, new Date()));
    const memories = Array.from({ length: 5 }, (_, n) => ({ title: `${n}`, content: '123456789' }));
    await user.api.post('/memories/batch', { memories });
    const [{ id }] = (await user.api.get('/memories?limit=1')).body.results;
    await user.api.patch(`/memories/${id}`, { content: '987654321' });
    await addDay(user, daysAgo(1), 30);
    const { plan } = (await user.api.get('/user/usage')).body;
    expect(plan).toEqual({
      name: 'enterprise',
      calls_today: { used: 7, limit: 40, percent: 17.5, resets_at: `${daysAgo(-1)}T00:00:00.000Z` },
      requests_this_month: today().endsWith('-01') ? 3 : 33,
      storage_bytes: { used: 60, limit: 400, percent: 15 },
    });
  });

  it('sums billable calls by month, and since the first of this one', async () => {
    const user = await node.newUser();
    await user.api.get('/stats');
    for (const [day, calls] of [
      ['2026-01-31', 1],
      ['2026-02-01', 2],
      ['2026-02-28', 5],
    ] as const) {
      await addDay(user, day, calls);
    }
    const { body } = await user.api.get('/user/usage?group_by=month&from=2026-01-01&to=2026-02-28');
    expect(body.results).toMatchObject([
      { month: '2026-02', billable: 7 },
      { month: '2026-01', billable: 1 },
    ]);
    expect(body.plan.requests_this_month).toBe(1);
  });

  it('bills what passed key, scope and limits once, whatever units it cost', async () => {
    const user = await node.newUser({ requestsPerDay: 5 });
    const { body: key } = await user.api.post('/user/keys', { name: 'reader', scopes: ['memories:read'] });
    const reader = new Client(node.url, key.api_key);
    expect((await reader.post('/memories', { title: 'a', content: 'a' })).status).toBe(403);
    const memories = [1, 2, 3].map((n) => ({ title: `${n}`, content: `${n}` }));
    expect((await user.api.post('/memories/batch', { memories })).status).toBe(200);
    expect((await user.api.post('/memories', {})).status).toBe(400);
    expect((await user.api.post('/memories', { title: 'b', content: 'b' })).status).toBe(429);
    const events = await node.service.database.owner.query(
      'select operation, status, billable, units from usage_events where user_id = $1 order by id',
      [user.userId],
    );
    expect(events.rows).toEqual([
      { operation: 'keys.create', status: 201, billable: true, units: 1 },
      { operation: 'memories.create', status: 403, billable: false, units: 0 },
      { operation: 'memories.batch', status: 200, billable: true, units: 3 },
      { operation: 'memories.create', status: 400, billable: true, units: 1 },
      { operation: 'memories.create', status: 429, billable: false, units: 0 },
    ]);
  });
});

describe('GET /user/usage.csv', () => {
  const month = () => today().slice(0, 7);

  it('returns a month of the caller’s usage with a header row, oldest day first', async () => {
    const [user, other] = await Promise.all([node.newUser(), node.newUser()]);
    await addDay(other, '2026-02-01', 1_000);
    await addDay(user, '2026-01-31', 1);
    await addDay(user, '2026-02-28', 3);
    await addDay(user, '2026-02-01', 2);
    await addDay(user, '2026-02-01', 5, 'stats.get');
    await addDay(user, '2026-03-01', 4);
    const { status, headers, text } = await user.api.get('/user/usage.csv?month=2026-02');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(text.split('\r\n')).toEqual([
      'day,transport,operation,endpoint,calls,billable,errors,mean_ms,p50_ms,p95_ms,bytes_in,bytes_out,quota_units,tokens',
      '2026-02-01,rest,stats.get,GET /api/v1/stats,5,5,0,0,,,0,0,5,7',
      '2026-02-01,rest,memories.get,GET /api/v1/memories/{id},2,2,0,0,,,0,0,2,7',
      '2026-02-28,rest,memories.get,GET /api/v1/memories/{id},3,3,0,0,,,0,0,3,7',
      '',
    ]);
    const filtered = await user.api.get('/user/usage.csv?month=2026-02&operation=stats.get&transport=rest');
    expect(filtered.text.trimEnd().split('\r\n').slice(1)).toEqual([
      '2026-02-01,rest,stats.get,GET /api/v1/stats,5,5,0,0,,,0,0,5,7',
    ]);
  });

  it('defaults to the current month, equals the JSON, and is metered', async () => {
    const user = await busyUser();
    const rows = (await user.api.get(`/user/usage?from=${month()}-01`)).body.results;
    const { text } = await user.api.get('/user/usage.csv');
    const [names, ...lines] = text.trimEnd().split('\r\n');
    const read = lines.map((line) => {
      const cells = line.split(',');
      return Object.fromEntries((names as string).split(',').map((name, index) => [name, cells[index]]));
    });
    for (const row of rows) {
      expect(read).toContainEqual(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, `${value}`])));
    }
    // Plus the request for the JSON.
    expect(read).toHaveLength(rows.length + 1);
    const { owner } = node.service.database;
    const events = await owner.query(
      `select status, bytes_out from usage_events where user_id = $1 and operation = 'user.usage_csv'`,
      [user.userId],
    );
    expect(events.rows).toEqual([{ status: 200, bytes_out: Buffer.byteLength(text) }]);
  });

  it('returns any range of at most 400 days instead of a month', async () => {
    const user = await node.newUser();
    for (const day of ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02']) await addDay(user, day, 1);
    const days = async (query: string) => {
      const { text } = await user.api.get(`/user/usage.csv?${query}`);
      return text
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((line) => line.slice(0, 10));
    };
    expect(await days('from=2026-02-28&to=2026-03-01')).toEqual(['2026-02-28', '2026-03-01']);
    const rejected = await user.api.get('/user/usage.csv?from=2025-01-01&to=2026-03-01');
    expect([rejected.status, rejected.body.errors[0].path]).toEqual([422, 'from']);
    const both = await user.api.get('/user/usage.csv?month=2026-02&from=2026-02-01');
    expect([both.status, both.body.errors[0].path]).toEqual([422, 'month']);
  });

  it('prefixes text that a spreadsheet would run', async () => {
    const user = await node.newUser();
    await addDay(user, '2026-02-01', 1, '=HYPERLINK("http://evil")');
    const { text } = await user.api.get('/user/usage.csv?month=2026-02');
    expect(text).toContain(`,"'=HYPERLINK(""http://evil"")","'=HYPERLINK(""http://evil"")",1,`);
  });

  it('is only a header row for a month without requests, and rejects an invalid month', async () => {
    const { api } = await node.newUser();
    expect((await api.get('/user/usage.csv?month=2031-12')).text.split('\r\n')).toHaveLength(2);
    for (const wrong of ['2026-13', '2026-00', '2026-1', '2026-01-01', 'now', '-2026-01']) {
      const rejected = await api.get(`/user/usage.csv?month=${wrong}`);
      expect([wrong, rejected.status]).toEqual([wrong, 400]);
      expect(rejected.body.errors[0].path).toBe('month');
    }
    expect((await api.get('/user/usage.csv?month=0000-01')).status).toBe(422);
  });
});

describe('memory://usage', () => {
  it('has today’s quota units, the storage and the last seven days, in less than 800 tokens', async () => {
    const user = await node.newUser();
    for (let day = 1; day <= 30; day++) {
      for (const operation of ['memories.get', 'memories.create', 'search.query']) {
        await addDay(user, daysAgo(day), 123_456, operation);
      }
    }
    await user.api.post('/memories', { title: 'a', content: 'b' });
    const client = await connectMcp(node, user);
    const { contents } = await client.readResource({ uri: 'memory://usage' });
    const text = (contents[0] as { text: string }).text;
    const usage = JSON.parse(text);
    expect(usage.results.map((row: Json) => row.day)).toEqual([0, 1, 2, 3, 4, 5, 6].map(daysAgo));
    expect(usage.plan.calls_today).toMatchObject({ used: 1, limit: 1_000_000 });
    expect(usage.plan.storage_bytes.used).toBe(2);
    expect(countTokens(text)).toBeLessThan(800);
    await client.close();
  });
});
