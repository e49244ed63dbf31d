import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp } from '../../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Returns the recorded clients of a user's calls, oldest first. */
async function recorded(user: TestUser) {
  const { rows } = await node.service.database.owner.query(
    'select operation, client, code, request_id from usage_events where user_id = $1 order by at, id',
    [user.userId],
  );
  return rows;
}

describe('recorded call', () => {
  it('has the product of the user agent, the request id and the code of its error', async () => {
    const user = await node.newUser();
    await user.api.get('/stats', { 'User-Agent': 'curl/8.5.0 (ann@example.com)', 'X-Request-Id': 'request-1' });
    await user.api.post('/memories', { title: '' }, { 'User-Agent': 'acme-bot/2', 'X-Request-Id': 'request-2' });
    expect(await recorded(user)).toEqual([
      { operation: 'stats.get', client: 'curl/8.5.0', code: null, request_id: 'request-1' },
      { operation: 'memories.create', client: 'acme-bot/2', code: 'invalid_request', request_id: 'request-2' },
    ]);
  });

  it('of an MCP client has the name from initialize, unless its user agent names it', async () => {
    const user = await node.newUser();
    const unnamed = await connectMcp(node, user);
    await unnamed.read('list_memories');
    await unnamed.close();
    const named = await connectMcp(node, user, { headers: { 'User-Agent': 'claude-code/2.1.328 (cli)' } });
    await named.read('list_memories');
    await named.close();
    const bridged = await connectMcp(node, user, {
      headers: { 'User-Agent': 'whitemagic-stdio/1.0.0', 'X-WhiteMagic-Client': 'Zed/0.210.3' },
    });
    await bridged.read('list_memories');
    await bridged.close();
    const clients = (await recorded(user)).map(({ client }) => client);
    expect(clients).toEqual(['test/1.0.0', 'claude-code/2.1.328', 'zed/0.210.3']);
  });

  it('is added to the daily totals of its key and client, with its time and duration', async () => {
    const user = await node.newUser();
    const { body: second } = await user.api.post('/user/keys', { name: 'second' }, { 'User-Agent': 'curl/8.5.0' });
    const bearer = { Authorization: `Bearer ${second.api_key}` };
    for (const agent of ['curl/8.5.0', 'curl/8.6.0', 'acme-bot/2']) {
      await user.api.get('/stats', { ...bearer, 'User-Agent': agent });
    }
    const { rows } = await node.service.database.owner.query(
      `select key_id, client, calls::int, last_at > now() - interval '1 minute' as recent,
          (select sum(n)::int from unnest(duration_counts) n) as timed
        from usage_daily
        where user_id = $1 and operation = 'stats.get'
        order by client`,
      [user.userId],
    );
    expect(rows).toEqual([
      { key_id: second.id, client: 'acme-bot', calls: 1, recent: true, timed: 1 },
      { key_id: second.id, client: 'curl', calls: 2, recent: true, timed: 2 },
    ]);
  });
});
