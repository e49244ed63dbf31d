import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CANCELLED, CancelledError } from '../../db/client/cancel.ts';
import { postMcp, rpc, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;
/** Holds a lock that every statement on memories waits for. */
let locker: pg.Client;

beforeAll(async () => {
  node = await startTestService();
  locker = new pg.Client(node.databaseUrl);
  await locker.connect();
});
beforeEach(async () => {
  user = await node.newUser();
  await locker.query('begin');
  await locker.query('lock table memories in access exclusive mode');
});
afterEach(() => locker.query('rollback'));
afterAll(async () => {
  await locker.end();
  await node.stop();
});

/** Counts the statements of tenants that wait for the lock. */
async function waiting(): Promise<number> {
  const { rows } = await node.service.database.owner.query<{ count: number }>(
    `select count(*)::integer as count
      from pg_stat_activity
      where datname = current_database()
        and application_name = 'whitemagic-app'
        and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}
const untilWaiting = () => vi.waitFor(async () => expect(await waiting()).toBeGreaterThan(0), 10_000);
const untilNoneWaits = () => vi.waitFor(async () => expect(await waiting()).toBe(0), 10_000);

/** The statuses and billing of the user's recorded calls, once there is one. */
const recorded = () =>
  vi.waitFor(async () => {
    const events = await usageEvents(node, user);
    expect(events).not.toEqual([]);
    return events.map(({ operation, status }) => [operation, status]);
  }, 10_000);

/** Sends a request whose connection the test closes. */
function open(path: string, body: unknown): AbortController {
  const controller = new AbortController();
  fetch(`${node.url}${path}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${user.apiKey}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(body),
    signal: controller.signal,
  }).catch(() => undefined);
  return controller;
}
const search = rpc('tools/call', { name: 'search_memories', arguments: { query: 'deploy' } }, 7);
const cancellation = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } };

describe('a cancelled call', () => {
  it.each([
    ['REST', '/api/v1/search', { query: 'deploy' }],
    ['MCP', '/mcp', search],
  ])('whose connection is closed over %s has its statements cancelled by PostgreSQL', async (_what, path, body) => {
    const connection = open(path, body);
    await untilWaiting();
    connection.abort();
    await untilNoneWaits();
    expect(await recorded()).toEqual([['search.query', 499]]);
  });

  it('of which the MCP client says so has its statements cancelled, and an error as its result', async () => {
    const pending = postMcp(node, user, search);
    await untilWaiting();
    // Another id, another kind of id, and another key.
    const others = [{ requestId: 8 }, { requestId: '7' }, {}];
    for (const params of others) expect((await postMcp(node, user, { ...cancellation, params })).status).toBe(202);
    await postMcp(node, await node.newUser(), cancellation);
    expect(await waiting()).toBeGreaterThan(0);
    expect((await postMcp(node, user, cancellation)).status).toBe(202);
    const { body } = await pending;
    expect([body.id, body.result.isError, body.result._meta['whitemagic/code']]).toEqual([7, true, 'cancelled']);
    await untilNoneWaits();
  });

  it('is not chosen among two that look the same', async () => {
    const pending = [postMcp(node, user, search), postMcp(node, user, search)];
    await untilWaiting();
    // The second may wait for the first. A later request was received after it.
    await postMcp(node, user, rpc('ping', {}, 8));
    await postMcp(node, user, cancellation);
    await locker.query('rollback');
    for (const { body } of await Promise.all(pending)) expect(body.result.isError).toBeUndefined();
    await locker.query('begin');
  });

  it('that writes is rolled back if the client says so, and completed if only its connection is closed', async () => {
    const create = rpc('tools/call', { name: 'create_memory', arguments: { title: 'T', content: 'C' } }, 7);
    const rejected = postMcp(node, user, create);
    await untilWaiting();
    await postMcp(node, user, cancellation);
    expect((await rejected).body.result._meta['whitemagic/code']).toBe('cancelled');
    const connection = open('/mcp', { ...create, id: 9 });
    await untilWaiting();
    connection.abort();
    await locker.query('rollback');
    await vi.waitFor(async () => expect((await user.api.get('/memories')).body.total).toBe(1), 10_000);
    await locker.query('begin');
  });
});

describe('a cancelled statement', () => {
  it('leaves no connection behind that a late request could reach', async () => {
    const { database } = node.service;
    const controller = new AbortController();
    const tenant = { userId: user.userId, projects: null, signal: controller.signal };
    const pending = database.read(tenant).query({ text: 'select pg_sleep(60)' });
    await vi.waitFor(async () => expect(await sleeping()).toBe(1), 10_000);
    controller.abort(CANCELLED);
    await expect(pending).rejects.toBeInstanceOf(CancelledError);
    expect(await sleeping()).toBe(0);
    await expect(database.read(tenant).query({ text: 'select 1' })).rejects.toBeInstanceOf(CancelledError);
    const write = database.write(tenant, (sql) => sql.query({ text: 'select 1' }));
    await expect(write).rejects.toBeInstanceOf(CancelledError);
    const other = database.read(user.userId);
    for (let n = 0; n < 20; n++) expect((await other.query({ text: 'select 1' })).rowCount).toBe(1);
  });
});

async function sleeping(): Promise<number> {
  const { rows } = await node.service.database.owner.query<{ count: number }>(
    `select count(*)::integer as count
      from pg_stat_activity
      where datname = current_database()
        and query = 'select pg_sleep(60)'
        and state = 'active'`,
  );
  return rows[0]?.count ?? 0;
}
