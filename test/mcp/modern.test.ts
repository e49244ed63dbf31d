import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMcp, postMcp, rpc, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

const VERSION = '2026-07-28';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

/** Connects the client of the SDK 2.x. The caller closes it. */
async function connect(mode: 'auto' | 'legacy' | { pin: string }, of = user): Promise<Client> {
  const client = new Client({ name: 'test', version: '2' }, { versionNegotiation: { mode } });
  const requestInit = { headers: { Authorization: `Bearer ${of.apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${node.url}/mcp`), { requestInit }));
  return client;
}

const envelope = (version = VERSION) => ({
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'modern-test', version: '1.2' },
});

/** Sends a request of protocol version 2026-07-28 with its headers. */
function post(method: string, params: Record<string, unknown> = {}, headers: Record<string, string> = {}, of = user) {
  const name = params.name ?? params.uri;
  return postMcp(node, of, rpc(method, { ...params, _meta: envelope() }, 'id-1'), {
    'MCP-Protocol-Version': VERSION,
    'Mcp-Method': method,
    ...(typeof name === 'string' && { 'Mcp-Name': name }),
    ...headers,
  });
}

describe('MCP 2026-07-28', () => {
  it.each([
    ['by itself', 'auto', VERSION],
    ['alone', { pin: VERSION }, VERSION],
    ['not at all', 'legacy', '2025-11-25'],
  ] as const)(
    'serves a client that speaks it %s on the same URL, with the same tools',
    async (_what, mode, version) => {
      const client = await connect(mode);
      expect(client.getNegotiatedProtocolVersion()).toBe(version);
      expect(client.getServerVersion()).toMatchObject({ name: 'whitemagic' });
      expect(client.getInstructions()).toContain('get_context');
      const older = await connectMcp(node, user);
      expect((await client.listTools()).tools).toEqual((await older.listTools()).tools);
      expect((await client.listPrompts()).prompts).toEqual((await older.listPrompts()).prompts);
      expect((await client.listResources()).resources).toEqual((await older.listResources()).resources);
      await older.close();
      const created = await client.callTool({
        name: 'create_memory',
        arguments: { title: 'T', content: `C ${version}` },
      });
      const { id } = created.structuredContent as { id: string };
      const { contents } = await client.readResource({ uri: `memory://memories/${id}` });
      expect(JSON.stringify(contents)).toContain(`C ${version}`);
      await client.close();
    },
  );

  it('says for how long a list may be kept, and for whom', async () => {
    for (const method of ['server/discover', 'resources/list', 'resources/templates/list', 'prompts/list']) {
      const { result } = (await post(method)).body;
      expect(result, method).toMatchObject({ resultType: 'complete', ttlMs: 300_000, cacheScope: 'public' });
    }
    // The tools depend on the scopes of the key.
    expect((await post('tools/list')).body.result).toMatchObject({ ttlMs: 300_000, cacheScope: 'private' });
    const { result } = (await post('resources/read', { uri: 'memory://stats' })).body;
    expect(result).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  });

  it('records each call once, with the client that the request names', async () => {
    const other = await node.newUser();
    await post('server/discover', {}, {}, other);
    await post('tools/list', {}, {}, other);
    await post('tools/call', { name: 'list_memories', arguments: {} }, {}, other);
    await post('tools/call', { name: 'no_such_tool', arguments: {} }, {}, other);
    await post('resources/read', { uri: 'memory://nothing' }, {}, other);
    expect((await usageEvents(node, other)).map(({ operation, status }) => `${operation} ${status}`)).toEqual([
      'memories.list 200',
      'unknown_tool 404',
      'unknown_resource 404',
    ]);
    const { rows } = await node.service.database.owner.query(
      "select client from usage_events where user_id = $1 and operation = 'memories.list'",
      [other.userId],
    );
    expect(rows).toEqual([{ client: 'modern-test/1.2' }]);
  });

  it('returns a failed tool call as a result, and the other errors with the id of the request', async () => {
    const failed = await post('tools/call', { name: 'get_memory', arguments: { id: 'x' } });
    expect(failed.body).toMatchObject({ id: 'id-1', result: { isError: true } });
    expect((await post('tools/call', { name: 'no_such_tool' })).body).toMatchObject({
      id: 'id-1',
      error: { code: -32_602, message: 'Unknown tool: no_such_tool' },
    });
    // The code of older versions, -32002, is not one of this.
    expect((await post('resources/read', { uri: 'memory://nothing' })).body).toMatchObject({
      id: 'id-1',
      error: { code: -32_602, data: { uri: 'memory://nothing', usage_event: expect.any(String) } },
    });
    const unknown = await post('no/such/method');
    expect([unknown.status, unknown.body.id, unknown.body.error.code]).toEqual([404, 'id-1', -32_601]);
    const gone = await post('initialize', { protocolVersion: VERSION });
    expect([gone.status, gone.body.id, gone.body.error.code]).toEqual([404, 'id-1', -32_601]);
  });

  it.each([
    ['a method header that differs', { 'Mcp-Method': 'tools/list' }, -32_020],
    ['a name header that differs', { 'Mcp-Name': 'get_context' }, -32_020],
    ['a version header that differs', { 'MCP-Protocol-Version': '2025-11-25' }, -32_020],
  ])('rejects a call with %s, and does not execute it', async (_what, headers, code) => {
    const other = await node.newUser();
    const { status, body } = await post(
      'tools/call',
      { name: 'list_memories' },
      headers as Record<string, string>,
      other,
    );
    expect([status, body.id, body.error.code]).toEqual([400, 'id-1', code]);
    expect(await usageEvents(node, other)).toEqual([]);
  });

  it('reads a name header in Base64', async () => {
    const name = `=?base64?${Buffer.from('list_memories').toString('base64')}?=`;
    const { body } = await post('tools/call', { name: 'list_memories', arguments: {} }, { 'Mcp-Name': name });
    expect(body.result.content[0].text).toMatch(/memor/);
  });

  it('rejects a version that is not served with -32022, the id and the versions that are', async () => {
    for (const headers of [{ 'MCP-Protocol-Version': '2099-01-01' }, {}]) {
      const message = rpc('tools/list', { _meta: envelope('2099-01-01') }, 7);
      const { status, body } = await postMcp(node, user, message, headers as Record<string, string>);
      expect(status).toBe(400);
      expect(body).toMatchObject({ id: 7, error: { code: -32_022, data: { requested: '2099-01-01' } } });
      expect(body.error.data.supported).toContain(VERSION);
    }
  });

  it('has no batches', async () => {
    const list = rpc('tools/list', { _meta: envelope() });
    for (const [batch, headers] of [
      [[list, list], {}],
      [[rpc('ping')], { 'MCP-Protocol-Version': VERSION }],
    ] as const) {
      const { status, body } = await postMcp(node, user, batch, headers as Record<string, string>);
      expect([status, body.error.code]).toEqual([400, -32_600]);
    }
  });

  it('ends a subscription at once, since nothing that is offered changes while a client is connected', async () => {
    const response = await post('subscriptions/listen', { notifications: { toolsListChanged: true } });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = [...response.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string));
    expect(events).toMatchObject([
      { method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } },
      { id: 'id-1', result: { resultType: 'complete' } },
    ]);
  });

  it('returns a rate limit that is exceeded with the id of the request and the problem in data', async () => {
    const hasty = await node.newUser({ requestsPerMinute: 1 });
    let last = await post('tools/list', {}, {}, hasty);
    for (let sent = 0; sent < 20 && last.status === 200; sent++) last = await post('tools/list', {}, {}, hasty);
    expect(last.status).toBe(429);
    expect(last.body).toMatchObject({ id: 'id-1', error: { data: { code: 'rate_limited', status: 429 } } });
  });
});

describe('a permanent deletion over MCP 2026-07-28', () => {
  const remove = async (id: string, more: Record<string, unknown> = {}, capabilities: object = { elicitation: {} }) => {
    const _meta = { ...envelope(), 'io.modelcontextprotocol/clientCapabilities': capabilities };
    const params = { name: 'delete_memory', arguments: { id, permanent: true }, ...more, _meta };
    const headers = { 'MCP-Protocol-Version': VERSION, 'Mcp-Method': 'tools/call', 'Mcp-Name': 'delete_memory' };
    return (await postMcp(node, user, rpc('tools/call', params), headers)).body.result;
  };
  const store = async (title: string): Promise<string> =>
    (await user.api.post('/memories', { title, content: title })).body.id;

  it('is confirmed by the user where the client can ask, and happens only then', async () => {
    const id = await store('Ask about\nme');
    const asked = await remove(id.slice(0, 23));
    expect(asked).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        confirm_deletion: {
          method: 'elicitation/create',
          params: {
            message: 'Delete “Ask about me” and its former versions permanently? This cannot be undone.',
            requestedSchema: { type: 'object', properties: {} },
          },
        },
      },
    });
    for (const action of ['decline', 'cancel']) {
      const declined = await remove(id, { inputResponses: { confirm_deletion: { action } } });
      expect([declined.isError, declined.content[0].text]).toEqual([true, expect.stringContaining('Not deleted')]);
    }
    expect((await user.api.get(`/memories/${id}`)).status).toBe(200);
    const accepted = await remove(id, { inputResponses: { confirm_deletion: { action: 'accept', content: {} } } });
    expect(accepted.content[0].text).toBe(`Deleted memory ${id} permanently.`);
    expect((await user.api.get(`/memories/${id}`)).status).toBe(404);
  });

  it('needs no confirmation of a client that cannot ask, nor when it only archives', async () => {
    const [first, second] = [await store('first'), await store('second')];
    expect((await remove(first, {}, {})).content[0].text).toContain('permanently');
    expect((await remove(second, { arguments: { id: second } })).content[0].text).toContain('Archived');
  });
});
