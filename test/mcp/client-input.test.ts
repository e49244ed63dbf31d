import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp, type McpClient, postMcp, rpc, textOf, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;
let shop: McpClient;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  shop = await connectMcp(node, user, { query: '?project=shop' });
  await shop.use('create_memory', { title: 'Deploys', content: 'We deploy on Fridays.', tags: ['ops'] });
  await shop.use('create_memory', { title: 'Holidays', content: 'No deploy in December.', project: 'none' });
});
afterAll(async () => {
  await shop.close();
  await node.stop();
});

const titles = async (input: Record<string, unknown>) =>
  (await shop.read('search_memories', { query: 'deploy', ...input })).results.map(({ title }) => title);

describe('MCP arguments as clients send them', () => {
  it('null and an empty string mean that an optional argument is left out', async () => {
    const optional = [
      'project',
      'tags',
      'limit',
      'cursor',
      'session_id',
      'created_after',
      'type',
      'status',
      'max_tokens',
    ];
    expect(await titles({ project: 'shop' })).toEqual(['Deploys']);
    for (const empty of [null, '']) {
      for (const name of optional) expect(await titles({ [name]: empty }), name).toEqual(['Deploys', 'Holidays']);
    }
  });

  it('"none" means of no project', async () => {
    expect(await titles({ project: 'none' })).toEqual(['Holidays']);
    expect((await shop.read('list_memories', { project: 'none' })).results).toHaveLength(1);
    expect((await shop.read('get_context', { project: 'none' })).stored).toContain('December');
    const [{ id } = { id: '' }] = (await shop.read('list_memories', { project: 'none' })).results;
    await shop.use('update_memory', { id, project: 'shop' });
    expect(await titles({ project: 'none' })).toEqual([]);
    await shop.use('update_memory', { id, project: 'none' });
    expect(await titles({ project: 'none' })).toEqual(['Holidays']);
  });

  it('JSON strings are parsed where an array, object, number or boolean is due', async () => {
    expect(await titles({ tags: '["ops"]', limit: '5', max_tokens: '2000' })).toEqual(['Deploys']);
    expect(await titles({ tags: '["other"]' })).toEqual([]);
    const stored = { title: 'Parsed', content: 'json', tags: '["a", "b"]', metadata: '{"importance": 0.5}' };
    const { id } = await shop.use('create_memory', stored);
    const { stored: text } = await shop.read('get_memory', { id, offset: '0' });
    expect(text).toContain('tags: a, b;');
    expect(text).toContain('metadata {"importance":0.5}');
    const gone = await shop.use('delete_memory', { id, permanent: 'true' });
    expect(gone.status).toBe('deleted');
  });

  it('unknown arguments are ignored, and named in _meta and to the model', async () => {
    const result = await shop.tool('list_memories', { tag: 'ops', toolCallId: 'x', maxTokens: 5 });
    expect(result.isError).toBeFalsy();
    expect(result._meta?.['whitemagic/ignored_arguments']).toEqual(['tag', 'toolCallId', 'maxTokens']);
    expect(textOf(result)).toContain('Ignored unknown arguments: tag, toolCallId, maxTokens.');
    const failed = await shop.tool('get_memory', { id: 'first', colour: 'red' });
    expect(failed.isError).toBe(true);
    expect(failed._meta?.['whitemagic/ignored_arguments']).toEqual(['colour']);
    expect((await shop.tool('list_memories'))._meta).not.toHaveProperty('whitemagic/ignored_arguments');
  });

  it('REST stays strict', async () => {
    for (const body of [
      { query: 'deploy', limit: '5' },
      { query: 'deploy', tags: null },
      { query: 'deploy', colour: 1 },
    ]) {
      expect((await user.api.post('/search', body)).status).toBe(400);
    }
  });
});

describe('MCP messages as clients send them', () => {
  it.each([
    ['arguments: null', { name: 'list_memories', arguments: null }],
    ['arguments as an empty string', { name: 'list_memories', arguments: '' }],
    ['arguments as a JSON string', { name: 'list_memories', arguments: '{"limit": 1}' }],
    ['arguments: "{}"', { name: 'list_memories', arguments: '{}' }],
    ['without arguments', { name: 'list_memories' }],
    ['with a task, which a server without tasks ignores', { name: 'list_memories', arguments: {}, task: { ttl: 1 } }],
    ['_meta: null', { name: 'list_memories', arguments: {}, _meta: null }],
  ])('tools/call is executed: %s', async (_name, params) => {
    const { status, body } = await postMcp(node, user, rpc('tools/call', params));
    expect(status).toBe(200);
    expect(body.result.content[0].text).toMatch(/memor/);
  });

  it.each([
    ['no params', undefined],
    ['params: null', null],
    ['no clientInfo', { protocolVersion: '2025-06-18', capabilities: {} }],
    ['nothing in params', {}],
    ['clientInfo without a version', { protocolVersion: '2025-06-18', capabilities: null, clientInfo: { name: 'x' } }],
    ['a clientInfo that is a string', { protocolVersion: 20250618, capabilities: 'all', clientInfo: 'x' }],
  ])('initialize is executed: %s', async (_name, params) => {
    const { body } = await postMcp(node, user, rpc('initialize', params));
    expect(body.result).toMatchObject({
      protocolVersion: expect.stringMatching(/^20/),
      serverInfo: { name: 'whitemagic' },
    });
  });

  it.each(['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list', 'ping'])(
    '%s is executed with params: null and with cursor: null',
    async (method) => {
      for (const params of [null, {}, { cursor: null }, { _meta: null }, '{}']) {
        const { status, body } = await postMcp(node, user, rpc(method, params));
        expect(status).toBe(200);
        expect(body.result, JSON.stringify(body)).toBeTypeOf('object');
      }
    },
  );

  it('prompts/get is executed with arguments: null and with a JSON string', async () => {
    for (const given of [null, '{}', { focus: null }]) {
      const params = { name: 'remember_this_session', arguments: given };
      expect((await postMcp(node, user, rpc('prompts/get', params))).body.result.messages).toHaveLength(1);
    }
  });

  it.each([
    ['tools/call', {}],
    ['tools/call', { name: null }],
    ['tools/call', { name: 7 }],
    ['tools/call', { name: 'list_memories', arguments: 'limit' }],
    ['tools/call', { name: 'list_memories', arguments: [] }],
    ['tools/call', { name: 'list_memories', arguments: 5 }],
    ['tools/call', [] as unknown],
    ['tools/list', 'all'],
    ['tools/list', { cursor: 5 }],
    ['initialize', [1]],
    ['resources/read', {}],
    ['resources/read', { uri: 5 }],
    ['prompts/get', { name: 'recall_for_task', arguments: { task: 5 } }],
    ['ping', 5],
  ])('%s with invalid params %j is -32602 in one sentence', async (method, params) => {
    const { status, body } = await postMcp(node, user, rpc(method, params, 'x'));
    expect(status).toBe(200);
    expect(body).toEqual({ jsonrpc: '2.0', id: 'x', error: { code: -32602, message: expect.any(String) } });
    expect(body.error.message).toMatch(/^Invalid params: [^\n{}[\]]{5,150}\.$/);
  });

  it('a notification with invalid params is accepted and ignored', async () => {
    const { status, text } = await postMcp(node, user, {
      jsonrpc: '2.0',
      method: 'notifications/initialized',
      params: 5,
    });
    expect([status, text]).toEqual([202, '']);
  });
});

describe('MCP batch', () => {
  it('with equal ids is answered message by message', async () => {
    const call = (input: object) => rpc('tools/call', { name: 'list_memories', arguments: input });
    const batch = [
      call({ project: 'shop' }),
      call({ project: 'none' }),
      rpc('ping'),
      rpc('tools/call', {}),
      rpc('ping', {}, '1'),
    ];
    const { status, body } = await postMcp(node, user, batch);
    expect(status).toBe(200);
    expect(body.map(({ id }: { id: unknown }) => id)).toEqual([1, 1, 1, 1, '1']);
    expect(body[0].result.content[0].text).toContain('Deploys');
    expect(body[1].result.content[0].text).toContain('Holidays');
    expect([body[2].result, body[3].error.code, body[4].result]).toEqual([{}, -32602, {}]);
  });

  it('meters each call with an equal id once', async () => {
    const other = await node.newUser();
    const batch = Array.from({ length: 5 }, () => rpc('tools/call', { name: 'list_memories' }, 7));
    expect((await postMcp(node, other, batch)).body).toHaveLength(5);
    expect(await usageEvents(node, other)).toHaveLength(5);
  });

  it('answers a request that the same batch cancels', async () => {
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 0 } };
    const { body } = await postMcp(node, user, [rpc('ping', {}, 0), cancelled, rpc('ping', {}, 'b')]);
    expect(body.map(({ id }: { id: unknown }) => id)).toEqual([0, 'b']);
  });

  it('of more than 100 messages is rejected without executing one', async () => {
    const other = await node.newUser();
    const batch = Array.from({ length: 101 }, (_, id) => rpc('tools/call', { name: 'list_memories' }, id));
    const { status, body } = await postMcp(node, other, batch);
    expect([status, body.error.code]).toEqual([400, -32600]);
    expect(await usageEvents(node, other)).toEqual([]);
  });
});

describe('MCP requests that are not executed', () => {
  it('count against the limit of protocol messages', async () => {
    const free = await node.newUser({ requestsPerMinute: 1 });
    const unsupported = { 'MCP-Protocol-Version': '2099-01-01' };
    const call = rpc('tools/call', { name: 'list_memories' });
    for (let n = 0; n < 5; n++) expect((await postMcp(node, free, call, unsupported)).status).toBe(400);
    for (let n = 0; n < 5; n++) expect((await postMcp(node, free, rpc('tools/call', {}))).status).toBe(200);
    expect((await postMcp(node, free, call, unsupported)).status).toBe(429);
    expect((await postMcp(node, free, rpc('tools/call', {}))).status).toBe(429);
    expect((await postMcp(node, free, call)).body.result.isError).toBeFalsy();
  });
});
