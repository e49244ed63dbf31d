import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTokens } from '../../api/tokens/count.ts';
import { PipedBridge } from '../support/bridge-pipe.ts';
import { connectMcp, postMcp, rpc, textOf, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { eventsOf } from '../support/usage.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const call = (name: string, input: object = {}, id: string | number = 1) =>
  rpc('tools/call', { name, arguments: input }, id);
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
const initialize = rpc('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
});

describe('MCP metering', () => {
  it('records no event for protocol messages', async () => {
    const user = await node.newUser();
    const client = await connectMcp(node, user);
    await client.ping();
    await client.listTools();
    await client.listResources();
    await client.listResourceTemplates();
    await client.listPrompts();
    await client.close();
    await postMcp(node, user, rpc('no/such/method'));
    await postMcp(node, user, 'no JSON');
    await postMcp(node, user, rpc('tools/call', { arguments: {} }));
    await postMcp(node, user, { jsonrpc: '2.0', method: 'tools/call', params: { name: 'list_memories' } });
    expect(await usageEvents(node, user)).toEqual([]);
  });

  it('records every tool call once, with its operation and status', async () => {
    const user = await node.newUser();
    const client = await connectMcp(node, user);
    const { id } = await client.use('create_memory', { title: 'T', content: 'deploy' });
    await client.use('create_memory', { title: 'T', content: 'deploy' });
    await client.read('search_memories', { query: 'deploy' });
    await client.read('get_context');
    await client.read('get_memory', { id });
    await client.read('list_memories');
    await client.use('update_memory', { id, title: 'U' });
    await client.use('delete_memory', { id });
    await client.use('restore_memory', { id });
    await client.read('consolidate_memories');
    await client.close();
    expect((await usageEvents(node, user)).map(({ operation, status }) => `${operation} ${status}`)).toEqual([
      'memories.create 201',
      'memories.create 200',
      'search.query 200',
      'search.context 200',
      'memories.get 200',
      'memories.list 200',
      'memories.update 200',
      'memories.delete 200',
      'memories.restore 200',
      'memories.consolidate 200',
    ]);
  });

  it('records the tokens that a model reads, and those of context packages over every transport', async () => {
    const user = await node.newUser();
    const client = await connectMcp(node, user);
    const created = textOf(await client.tool('create_memory', { title: 'Port', content: 'The port is 8787.' }));
    const found = textOf(await client.tool('search_memories', { query: 'port' }));
    await client.tool('get_memory', { id: 'none' });
    await client.close();
    const { body } = await user.api.post('/context', { query: 'port' });
    await user.api.get('/memories');
    const events = await eventsOf(node, user.userId);
    expect(events.map(({ operation, tokens }) => [operation, tokens])).toEqual([
      ['memories.create', countTokens(created)],
      ['search.query', expect.any(Number)],
      ['memories.get', null],
      ['search.context', body.tokens],
      ['memories.list', null],
    ]);
    // The delimiter around stored text is random for each response, and counted at its longest.
    expect(events[1]?.tokens).toBeGreaterThanOrEqual(countTokens(found));
    expect(events[1]?.tokens).toBeLessThan(countTokens(found) + 20);
    const { rows } = await node.service.database.owner.query(
      'select sum(tokens)::int as tokens from usage_daily where user_id = $1',
      [user.userId],
    );
    expect(rows).toEqual([{ tokens: events.reduce((sum, { tokens }) => sum + (tokens ?? 0), 0) }]);
  });

  it('names the event of each call outside the text for the model', async () => {
    const user = await node.newUser();
    const read = (uri: string) => rpc('resources/read', { uri });
    const messages: [what: string, message: object][] = [
      ['memories.create 201', call('create_memory', { title: 'T', content: 'C' })],
      ['search.query 200', call('search_memories', { query: 'C' })],
      ['memories.get 400', call('get_memory', { id: 'none' })],
      ['unknown_tool 404', call('drop_tables')],
      ['stats.get 200', read('memory://stats')],
      ['memories.get 404', read('memory://memories/019ab0c0-0000-7000-8000-000000000000')],
      ['memories.get 400', read('memory://memories/none')],
      ['unknown_resource 404', read('memory://nothing')],
    ];
    const named: unknown[] = [];
    for (const [, message] of messages) {
      const { result, error } = (await postMcp(node, user, message)).body;
      named.push(error ? error.data.usage_event : result._meta['whitemagic/usage_event']);
      expect(JSON.stringify([result?.content, result?.structuredContent, error?.message])).not.toContain(named.at(-1));
    }
    const events = await eventsOf(node, user.userId);
    expect(events.map(({ id }) => id)).toEqual(named);
    expect(events.map(({ operation, status }) => `${operation} ${status}`)).toEqual(messages.map(([what]) => what));
  });

  it('limits calls of unknown tools and resources like others', async () => {
    const user = await node.newUser({ requestsPerMinute: 1 });
    await postMcp(node, user, call('drop_tables'));
    for (const message of [call('drop_tables'), rpc('resources/read', { uri: 'memory://nothing' })]) {
      const { error } = (await postMcp(node, user, message)).body;
      expect(error.data).toMatchObject({ code: 'rate_limited', status: 429, usage_event: expect.any(String) });
    }
    expect((await usageEvents(node, user)).map(({ status }) => status)).toEqual([404, 429, 429]);
  });

  it('records each call of a batch', async () => {
    const user = await node.newUser();
    const batch = [call('list_memories', {}, 1), rpc('ping', undefined, 2), notification, call('get_context', {}, 3)];
    expect((await postMcp(node, user, batch)).body).toHaveLength(3);
    const operations = (await usageEvents(node, user)).map(({ operation }) => operation);
    expect(operations.toSorted()).toEqual(['memories.list', 'search.context']);
    // The bytes of the request are counted once.
    const bytes = (await eventsOf(node, user.userId)).map((event) => event.bytes_in);
    expect(bytes.toSorted((a, b) => a - b)).toEqual([0, Buffer.byteLength(JSON.stringify(batch))]);
  });

  it('records each of 40 concurrent calls once', async () => {
    const user = await node.newUser();
    const client = await connectMcp(node, user);
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        n % 2 ? client.read('list_memories') : client.use('create_memory', { title: `T${n}`, content: 'C' }),
      ),
    );
    await client.close();
    const operations = (await usageEvents(node, user)).map(({ operation }) => operation);
    expect(operations.toSorted()).toEqual([...Array(20).fill('memories.create'), ...Array(20).fill('memories.list')]);
  });

  it('records the transport, and /user/usage names the tool', async () => {
    const user = await node.newUser();
    await postMcp(node, user, call('list_memories'));
    await postMcp(node, user, call('list_memories'), { 'X-WhiteMagic-Transport': 'mcp_stdio' });
    await postMcp(node, user, call('list_memories'), { 'X-WhiteMagic-Transport': 'rest' });
    await postMcp(node, user, rpc('resources/read', { uri: 'memory://tags' }), {
      'X-WhiteMagic-Transport': 'mcp_stdio',
    });
    await user.api.get('/memories', { 'X-WhiteMagic-Transport': 'mcp_stdio' });
    const { results } = (await user.api.get('/user/usage')).body;
    const rows = results.map(({ transport, endpoint, calls }: Record<string, unknown>) => [transport, endpoint, calls]);
    expect(rows).toContainEqual(['mcp_http', 'list_memories', 2]);
    expect(rows).toContainEqual(['mcp_stdio', 'list_memories', 1]);
    expect(rows).toContainEqual(['mcp_stdio', 'memory://tags', 1]);
    expect(rows).toContainEqual(['rest', 'GET /api/v1/memories', 1]);
  });
});

describe('protocol messages', () => {
  const PER_MINUTE = 3;

  it('are limited to exactly ten times the plan’s rate', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const messages = [
      initialize,
      notification,
      rpc('ping'),
      rpc('tools/list'),
      rpc('no/such/method'),
      '{',
      rpc('tools/call', {}),
    ];
    const statuses: number[] = [];
    for (let n = 0; n < 10 * PER_MINUTE; n++)
      statuses.push((await postMcp(node, user, messages[n % messages.length])).status);
    expect(statuses).not.toContain(429);
    const rejected = await postMcp(node, user, rpc('tools/list'));
    expect(rejected.status).toBe(429);
    expect(rejected.body.error.data.code).toBe('rate_limited');
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const message of messages) expect((await postMcp(node, user, message)).status).toBe(429);
    const tool = await postMcp(node, user, call('list_memories'));
    expect(tool.body.result.content[0].text).toBe('No memories are stored yet.');
  });

  it('return their own rate limit in HTTP headers, and calls that of the user', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE, requestsPerDay: 9 });
    const ping = (await postMcp(node, user, rpc('ping'))).headers;
    expect(ping.get('ratelimit-policy')).toBe('"protocol";q=30;w=60');
    expect(ping.get('ratelimit')).toBe('"protocol";r=29;t=2');
    const read = rpc('resources/read', { uri: 'memory://tags' });
    for (const [left, message] of [call('list_memories'), call('no_such_tool'), read].entries()) {
      const { headers } = await postMcp(node, user, message);
      expect(headers.get('ratelimit-policy')).toBe('"rpm";q=3;w=60, "daily";q=9;w=86400');
      expect(headers.get('ratelimit')).toMatch(new RegExp(`^"rpm";r=${2 - left};t=\\d+, "daily";r=${8 - left};`));
    }
    const { headers } = await postMcp(node, user, call('list_memories'));
    expect(headers.get('ratelimit')).toMatch(/^"rpm";r=0;t=\d+, "daily";r=6;/);
  });

  it('are limited by key, so that one client does not stop the others', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const other = (await user.api.post('/user/keys', { name: 'other' })).body.api_key;
    for (let n = 0; n < 10 * PER_MINUTE; n++) await postMcp(node, user, rpc('ping'));
    expect((await postMcp(node, user, rpc('ping'))).status).toBe(429);
    expect((await postMcp(node, { apiKey: other }, rpc('ping'))).status).toBe(200);
  });

  it('count one by one in a batch', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const pings = (length: number) => Array.from({ length }, (_, id) => rpc('ping', undefined, id));
    expect((await postMcp(node, user, pings(10 * PER_MINUTE - 1))).status).toBe(200);
    expect((await postMcp(node, user, pings(2))).status).toBe(429);
    expect((await postMcp(node, user, pings(1))).status).toBe(200);
    expect((await postMcp(node, user, pings(1))).status).toBe(429);
  });

  it('and tool calls do not consume each other’s rate limit', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    for (let n = 0; n < PER_MINUTE; n++)
      expect((await postMcp(node, user, call('list_memories'))).body.result.isError).toBeFalsy();
    expect((await postMcp(node, user, call('list_memories'))).body.result.isError).toBe(true);
    for (let n = 0; n < 10 * PER_MINUTE; n++) expect((await postMcp(node, user, rpc('ping'))).status).toBe(200);
    expect((await postMcp(node, user, rpc('ping'))).status).toBe(429);
  });
});

describe('messages that the SDK would reject', () => {
  const PER_MINUTE = 10;
  const task = { ttl: 60_000 };

  it.each([
    ['tools/call', 750, { name: 'list_memories', arguments: {} }],
    ['resources/read', 300, { uri: 'memory://tags' }],
  ])('%s with a task is limited and metered like any other call', async (method, calls, params) => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const batch = (from: number, length: number) =>
      Array.from({ length }, (_, n) => rpc(method, { ...params, task }, from + n));
    for (let sent = 0; sent < calls; sent += 50) await postMcp(node, user, batch(sent, 50));
    const events = await usageEvents(node, user);
    expect(events).toHaveLength(calls);
    // The bucket refills while the calls run.
    const allowed = events.filter(({ status }) => status === 200).length;
    expect(allowed).toBeGreaterThanOrEqual(PER_MINUTE);
    expect(allowed).toBeLessThan(2 * PER_MINUTE);
    expect(events.filter(({ status }) => status === 429)).toHaveLength(calls - allowed);
  });

  it.each([
    ['an unknown protocol version', call('list_memories'), { 'MCP-Protocol-Version': '1999-01-01' }],
    ['malformed parameters', call('list_memories', 5 as unknown as object), {}],
    ['another content type', call('list_memories'), { 'Content-Type': 'text/plain' }],
    ['an invalid project', call('list_memories'), { 'X-WhiteMagic-Project': 'x'.repeat(500) }],
    ['an empty batch', [], {}],
    ['an initialize in a batch', [initialize, call('list_memories')], {}],
  ])('with %s end in 429', async (_what, message, headers) => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const statuses: number[] = [];
    for (let n = 0; n < 150; n++) statuses.push((await postMcp(node, user, message, headers)).status);
    expect(statuses.slice(0, 40)).not.toContain(429);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(30);
  });

  it('are limited and metered through the bridge too', async () => {
    const user = await node.newUser({ requestsPerMinute: PER_MINUTE });
    const bridge = new PipedBridge(() => ({ url: node.url, key: user.apiKey }));
    const responses = await Promise.all(
      Array.from({ length: 60 }, (_, id) =>
        id % 2
          ? bridge.ask('tools/call', { name: 'list_memories', task }, id)
          : bridge.ask('resources/read', { uri: 'memory://tags', task }, id),
      ),
    );
    await bridge.end();
    const failed = responses.filter(({ error, result }) => error || result?.isError);
    expect(failed.length).toBeGreaterThan(60 - 2 * PER_MINUTE);
    expect(JSON.stringify(failed)).not.toMatch(/task/i);
    const events = await usageEvents(node, user);
    expect(events.map(({ transport }) => transport)).toEqual(Array(60).fill('mcp_stdio'));
    expect(events.filter(({ status }) => status === 429)).toHaveLength(failed.length);
  });
});
