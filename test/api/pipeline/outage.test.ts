import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropDatabase, freshDatabase } from '../../support/database.ts';
import { postMcp, rpc } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { openTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

let databaseUrl: string;
let line: TcpProxy;
let node: TestService;
let user: TestUser;

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  line = await openTcpProxy(databaseUrl);
  node = await startTestService({ databaseUrl: line.url });
  user = await node.newUser();
});
afterAll(async () => {
  await node.stop();
  await line.disconnect();
  await dropDatabase(databaseUrl);
});

const note = (content: string) => ({ title: 'Outage', content });

describe('PostgreSQL outage', () => {
  it('returns 503 problems, writes nothing, and recovers by itself', async () => {
    expect((await user.api.post('/memories', note('before'))).status).toBe(201);
    await line.disconnect();
    const ready = await user.api.get(`${node.url}/ready`);
    expect([ready.status, ready.body.ready, ready.body.database]).toEqual([503, false, 'unreachable']);
    expect((await user.api.get(`${node.url}/health`)).status).toBe(200);
    for (const rejected of [await user.api.get('/stats'), await user.api.post('/memories', note('during'))]) {
      expect(rejected.status, rejected.text).toBe(503);
      expect(rejected.headers.get('content-type')).toContain('application/problem+json');
      expect(rejected.headers.get('retry-after')).toBe('2');
      // No usage event could be recorded, so the response must not name one.
      expect(rejected.headers.get('x-usage-event')).toBeNull();
      expect(rejected.body).toMatchObject({ status: 503, code: 'unavailable', errors: [] });
      expect(rejected.body.request_id).toBe(rejected.headers.get('x-request-id'));
    }
    await line.reconnect();
    await expect.poll(async () => (await user.api.get(`${node.url}/ready`)).status, { timeout: 10_000 }).toBe(200);
    const { body } = await user.api.get('/memories');
    expect(body.results.map(({ content }: { content: string }) => content)).toEqual(['before']);
    expect((await user.api.post('/memories', note('after'))).status).toBe(201);
  });
});

describe('failed metering', () => {
  it('returns 503 without a usage event over every transport', async () => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await client.query('alter table usage_daily rename to usage_daily_gone');
    const rest = [await user.api.get('/stats'), await user.api.get('/memories?colour=red')];
    const messages = [
      rpc('tools/call', { name: 'list_memories' }),
      rpc('tools/call', { name: 'drop_tables' }),
      rpc('resources/read', { uri: 'memory://tags' }),
      rpc('resources/read', { uri: 'memory://nothing' }),
    ];
    const mcp = [];
    for (const message of messages) mcp.push((await postMcp(node, user, message)).body);
    await client.query('alter table usage_daily_gone rename to usage_daily');
    await client.end();
    for (const { status, headers } of rest) expect([status, headers.get('x-usage-event')]).toEqual([503, null]);
    for (const { result, error } of mcp) {
      expect(error?.data.status ?? result._meta['whitemagic/status']).toBe(503);
      expect(JSON.stringify({ result, error })).not.toContain('usage_event');
    }
  });
});

describe('internal error', () => {
  it('is a 500 problem without internal details, and is not billable', async () => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await client.query('alter table memories rename to memories_gone');
    const broken = await user.api.get('/memories');
    await client.query('alter table memories_gone rename to memories');
    expect(broken.status).toBe(500);
    expect(broken.headers.get('content-type')).toContain('application/problem+json');
    expect(broken.body).toMatchObject({ status: 500, code: 'internal', errors: [] });
    expect(broken.text).not.toMatch(/relation|memories_gone|select|\.ts/);
    const { rows } = await client.query('select status, billable, units from usage_events where status = 500');
    await client.end();
    // The call passed the limiter, so it counts against the daily quota.
    expect(rows).toEqual([{ status: 500, billable: false, units: 1 }]);
  });
});
