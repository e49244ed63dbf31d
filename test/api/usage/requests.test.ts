import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../api/time.ts';
import { SCANNED_MAX } from '../../../db/queries/usage/requests.ts';
import type { Json } from '../../support/client.ts';
import { connectMcp } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const log = async (user: TestUser, query = '') => {
  const { status, body, text } = await user.api.get(`/user/requests?${query}`);
  expect(status, text).toBe(200);
  return body;
};

/** Inserts `count` calls of a user, one a millisecond, ending `before` milliseconds ago. */
async function addCalls(user: TestUser, count: number, before: number, operation = 'memories.get'): Promise<void> {
  await node.service.database.owner.query(
    `insert into usage_events (
        user_id, day, id, at, transport, operation, method, status, billable, duration_ms, bytes_in, bytes_out, units
      )
      select
        $1,
        (at at time zone 'utc')::date,
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
          || '8' || substr(md5(random()::text), 1, 15))::uuid,
        at,
        'rest',
        $4,
        'GET',
        200,
        true,
        1,
        0,
        0,
        1
      from (select now() - ($3 + n) * interval '1 millisecond' as at from generate_series(1, $2) n) calls`,
    [user.userId, count, before, operation],
  );
}

describe('request log', () => {
  it('says of each call what, when, how, by what and with which result', async () => {
    const user = await node.newUser();
    await user.api.post(
      '/memories',
      { title: '' },
      { 'User-Agent': 'curl/8.5.0', 'X-Request-Id': 'request-of-the-test' },
    );
    const client = await connectMcp(node, user, { headers: { 'User-Agent': 'claude-code/2.1.328 (cli)' } });
    await client.use('create_memory', { content: 'We deploy on Fridays.' });
    await client.close();
    const { results, next_cursor } = await log(user);
    expect(next_cursor).toBeNull();
    expect(results).toMatchObject([
      {
        operation: 'memories.create',
        endpoint: 'create_memory',
        transport: 'mcp_http',
        method: 'tools/call',
        client: 'claude-code/2.1.328',
        key_name: 'Test key',
        status: 201,
        code: null,
        quota_units: 1,
        tokens: expect.any(Number),
        billable: true,
      },
      {
        operation: 'memories.create',
        endpoint: 'POST /api/v1/memories',
        transport: 'rest',
        client: 'curl/8.5.0',
        status: 400,
        code: 'invalid_request',
        request_id: 'request-of-the-test',
      },
    ]);
    expect(results.every(({ duration_ms }: Json) => duration_ms > 0)).toBe(true);
    expect(JSON.stringify(results)).not.toContain('Fridays');
  });

  it('is filtered by key, client, transport, operation, status and time', async () => {
    const user = await node.newUser();
    const key = (await user.api.post('/user/keys', { name: 'laptop' })).body;
    const laptop = { Authorization: `Bearer ${key.api_key}`, 'User-Agent': 'acme-bot/3.1' };
    await user.api.get('/stats', laptop);
    await user.api.get('/memories/019ab0c0-0000-7000-8000-000000000000', laptop);
    await addCalls(user, 1, 2 * DAY_MS);
    const operations = async (query: string) =>
      (await log(user, `${query}&to=${new Date().toISOString()}`)).results.map(({ operation }: Json) => operation);
    expect(await operations(`key_id=${key.id}`)).toEqual(['memories.get', 'stats.get']);
    expect(await operations('client=acme-bot&status=error')).toEqual(['memories.get']);
    expect(await operations('client=acme-bot&status=ok')).toEqual(['stats.get']);
    expect(await operations('status=server_error')).toEqual([]);
    expect(await operations('operation=keys.create&transport=rest')).toEqual(['keys.create']);
    expect(await operations('transport=mcp_stdio')).toEqual([]);
    expect(await operations(`operation=memories.get&from=${new Date(Date.now() - DAY_MS).toISOString()}`)).toEqual([
      'memories.get',
    ]);
    const wrong = await user.api.get('/user/requests?from=2026-11-03&to=2026-11-02');
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'from']);
  });

  it('reaches back 7 days, page by page, across days, and shows only calls of its account', async () => {
    const [user, other] = await Promise.all([node.newUser(), node.newUser()]);
    await addCalls(other, 3, 1_000);
    for (const days of [0, 1, 6.9, 7.1]) await addCalls(user, 2, days * DAY_MS + 1_000);
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Json = await log(user, `operation=memories.get&limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      ids.push(...page.results.map(({ id }: Json) => id));
      cursor = page.next_cursor;
    } while (cursor);
    expect(new Set(ids).size).toBe(6);
    expect(ids).toHaveLength(6);
    const mixed = await user.api.get('/user/requests?limit=2');
    expect((await user.api.get(`/user/requests?status=ok&cursor=${mixed.body.next_cursor}`)).status).toBe(400);
  });

  it('looks through a bounded number of calls per page, and continues behind it', async () => {
    const user = await node.newUser();
    await addCalls(user, 1, 120_000, 'stats.get');
    await addCalls(user, SCANNED_MAX + 10, 60_000);
    const first = await log(user, 'operation=stats.get');
    expect(first.results).toEqual([]);
    expect(first.next_cursor).toEqual(expect.any(String));
    const second = await log(user, `operation=stats.get&cursor=${first.next_cursor}`);
    expect(second.results.map(({ operation }: Json) => operation)).toEqual(['stats.get']);
    expect(second.next_cursor).toBeNull();
    expect(second.searched_to < first.searched_to).toBe(true);
  });
});
