import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/client.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';
import { connectMcp, postMcp, rpc, usageEvents } from '../support/mcp.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const initialize = (protocolVersion: string) =>
  rpc('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } });

describe('POST /mcp', () => {
  it('responds with one JSON object, without a stream or a session', async () => {
    for (const message of [initialize('2025-11-25'), rpc('ping'), rpc('tools/list')]) {
      const response = await postMcp(node, user, message);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(response.headers.get('mcp-session-id')).toBeNull();
      expect(response.body).toMatchObject({ jsonrpc: '2.0', id: 1, result: expect.any(Object) });
    }
  });

  it('responds 202 without a body to notifications and responses', async () => {
    const notifications = [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      { jsonrpc: '2.0', id: 7, result: {} },
      [{ jsonrpc: '2.0', method: 'notifications/initialized' }],
    ];
    for (const notification of notifications) {
      const response = await postMcp(node, user, notification);
      expect(response.status).toBe(202);
      expect(response.text).toBe('');
    }
  });

  it('responds with JSON to any Accept header', async () => {
    for (const Accept of ['application/json', 'text/event-stream', '*/*', 'text/html']) {
      const response = await postMcp(node, user, rpc('ping'), { Accept });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    }
  });

  it('negotiates the protocol version of the client, or its own newest for an unknown one', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      const { body } = await postMcp(node, user, initialize(version));
      expect(body.result.protocolVersion).toBe(version);
    }
    const { body } = await postMcp(node, user, initialize('2099-01-01'));
    expect(body.result.protocolVersion).toBe('2025-11-25');
  });

  it('returns name, version, capabilities and instructions from initialize', async () => {
    const { result } = (await postMcp(node, user, initialize('2025-11-25'))).body;
    expect(result.serverInfo).toMatchObject({ name: 'whitemagic', title: 'WhiteMagic', version: expect.any(String) });
    expect(result.capabilities).toEqual({ tools: {}, resources: {}, prompts: {}, completions: {} });
    const [icon] = result.serverInfo.icons;
    const served = await fetch(icon.src);
    expect([served.status, served.headers.get('content-type')]).toEqual([200, expect.stringContaining(icon.mimeType)]);
    expect(result.instructions).toContain('search_memories');
  });

  it('accepts every known MCP-Protocol-Version or none, and responds 400 to an unknown one', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      const { status } = await postMcp(node, user, rpc('tools/list'), { 'MCP-Protocol-Version': version });
      expect(status).toBe(200);
    }
    const rejected = await postMcp(node, user, rpc('tools/list', {}, 'a'), { 'MCP-Protocol-Version': '1999-01-01' });
    expect(rejected.status).toBe(400);
    const supported = expect.arrayContaining(['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']);
    expect(rejected.body).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      error: { code: -32_022, message: expect.any(String), data: { supported, requested: '1999-01-01' } },
    });
  });

  it('responds to a batch with one array that has each response once', async () => {
    const batch = [
      rpc('ping', undefined, 'a'),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      rpc('tools/list', {}, 2),
    ];
    const { status, body } = await postMcp(node, user, batch);
    expect(status).toBe(200);
    expect(body.map(({ id }: { id: unknown }) => id).sort()).toEqual([2, 'a']);
    const tooMany = await postMcp(
      node,
      user,
      Array.from({ length: 101 }, (_, id) => rpc('ping', undefined, id)),
    );
    expect(tooMany.status).toBe(400);
    expect(tooMany.body.error.code).toBe(-32600);
  });

  it('sends a request id with every response, the client’s own if it is valid', async () => {
    const own = await postMcp(node, user, rpc('ping'));
    expect(own.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const given = await postMcp(node, user, rpc('ping'), { 'X-Request-Id': 'from-the-client-1' });
    expect(given.headers.get('x-request-id')).toBe('from-the-client-1');
    for (const message of ['{', rpc('nonsense'), { jsonrpc: '2.0', method: 'notifications/initialized' }]) {
      expect((await postMcp(node, user, message)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect((await postMcp(node, undefined, rpc('ping'))).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('invalid MCP requests', () => {
  it.each([
    ['malformed JSON', '{"jsonrpc":', -32700],
    ['an empty body', '', -32600],
    ['a string', '"ping"', -32600],
    ['null', 'null', -32600],
    ['an object without JSON-RPC members', '{"hello":1}', -32600],
    ['another JSON-RPC version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['an empty batch', '[]', -32600],
    ['a batch with a number in it', '[{"jsonrpc":"2.0","id":1,"method":"ping"},1]', -32600],
    ['two initialize requests', JSON.stringify([initialize('2025-11-25'), initialize('2025-11-25')]), -32600],
  ])('%s: a JSON-RPC error with status 400', async (_, body, code) => {
    const response = await postMcp(node, user, body);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.body).toMatchObject({ jsonrpc: '2.0', id: null, error: { code, message: expect.any(String) } });
  });

  it('an unknown method: -32601', async () => {
    const { status, body } = await postMcp(node, user, rpc('memories/forget-all', {}, 'x'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 'x', error: { code: -32601 } });
  });

  it('an unknown tool: -32602, metered once', async () => {
    const other = await node.newUser();
    const { status, body } = await postMcp(node, other, rpc('tools/call', { name: 'drop_tables', arguments: {} }));
    expect(status).toBe(200);
    expect(body.error).toEqual({
      code: -32602,
      message: expect.stringContaining('Unknown tool: drop_tables'),
      data: { usage_event: expect.any(String) },
    });
    expect(await usageEvents(node, other)).toEqual([
      { transport: 'mcp_http', operation: 'unknown_tool', method: 'tools/call', status: 404, billable: true },
    ]);
  });

  it('a tool call with invalid params: an error, not a result', async () => {
    for (const params of [undefined, {}, { name: 7 }, { name: 'create_memory', arguments: 'title' }]) {
      const { body } = await postMcp(node, user, rpc('tools/call', params));
      expect(body).toMatchObject({ id: 1, error: { code: expect.any(Number), message: expect.any(String) } });
      expect(body).not.toHaveProperty('result');
    }
  });

  it('a body of another media type: 415, a body that is too large: 413', async () => {
    const text = await postMcp(node, user, rpc('ping'), { 'Content-Type': 'text/plain' });
    expect(text.status).toBe(415);
    expect(text.body.error.data.code).toBe('unsupported_media_type');
    const large = await postMcp(node, user, rpc('ping', { padding: 'x'.repeat(1_048_576) }));
    expect(large.status).toBe(413);
    expect(large.body.error.data.code).toBe('body_too_large');
  });

  it('accepts a memory of nearly a mebibyte', async () => {
    const content = 'word '.repeat(200_000);
    const call = rpc('tools/call', { name: 'create_memory', arguments: { title: 'Large', content } });
    const { body } = await postMcp(node, user, call);
    expect(body.result.structuredContent.version).toBe(1);
  });
});

describe('other methods and paths', () => {
  it.each(['GET', 'DELETE', 'PUT', 'PATCH'])('%s /mcp is 401 without a valid key, else 405', async (method) => {
    const request = async (headers: Record<string, string>) => {
      const response = await fetch(`${node.url}/mcp`, { method, headers: { Accept: 'text/event-stream', ...headers } });
      return { status: response.status, headers: response.headers, error: ((await response.json()) as Json).error };
    };
    expect(await request({})).toMatchObject({ status: 401, error: { data: { code: 'unauthenticated' } } });
    expect((await request({ Authorization: 'Bearer wm_test_' })).status).toBe(401);
    const { status, headers, error } = await request({ Authorization: `Bearer ${user.apiKey}` });
    expect([status, headers.get('allow'), error.data.code]).toEqual([405, 'POST', 'method_not_allowed']);
    expect(headers.get('ratelimit')).toMatch(/^"protocol"/);
  });

  it('GET /mcp is a page on how to connect for a browser', async () => {
    const response = await fetch(`${node.url}/mcp`, {
      headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(response.headers.get('vary')).toContain('Accept, Authorization');
    expect(await response.text()).toContain(`${node.url}/mcp --header`);
  });

  it('serves no OAuth discovery, which would make clients ignore their configured key', async () => {
    const paths = [
      'oauth-protected-resource',
      'oauth-protected-resource/mcp',
      'oauth-authorization-server',
      'oauth-authorization-server/mcp',
      'openid-configuration',
    ];
    for (const path of paths) {
      const response = await fetch(`${node.url}/.well-known/${path}`, { redirect: 'manual' });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toMatch(/json/);
      const detail = expect.stringContaining('Authorization: Bearer wm_');
      expect(await response.json()).toMatchObject({ status: 404, code: 'not_found', detail });
    }
    expect((await fetch(`${node.url}/mcp/.well-known/oauth-protected-resource`)).status).toBe(404);
    const registered = await fetch(`${node.url}/register`, { method: 'POST' });
    expect([registered.status, ((await registered.json()) as Json).detail]).toEqual([
      404,
      expect.stringContaining('Authorization: Bearer wm_'),
    ]);
  });
});

describe('authentication of MCP requests', () => {
  it('responds 401 to a missing or invalid key, with a challenge that names no authorization server', async () => {
    const mistyped = `${user.apiKey.slice(0, -1)}${user.apiKey.endsWith('0') ? '1' : '0'}`;
    for (const apiKey of [undefined, 'wm_test_', mistyped, 'sk-something']) {
      const response = await postMcp(node, apiKey === undefined ? undefined : { apiKey }, rpc('tools/list'));
      expect(response.status).toBe(401);
      const challenge = `Bearer realm="whitemagic"${apiKey === undefined ? '' : ', error="invalid_token"'}`;
      expect(response.headers.get('www-authenticate')).toBe(challenge);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(response.body).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_000 } });
      const { message, data } = response.body.error;
      expect(data).toMatchObject({ status: 401, code: 'unauthenticated' });
      expect(message).toBe(`${data.title}. ${data.detail}`);
    }
  });

  it('requires the key for initialize too', async () => {
    expect((await postMcp(node, undefined, initialize('2025-11-25'))).status).toBe(401);
  });

  it('reads the key from Authorization or X-API-Key', async () => {
    const response = await postMcp(node, undefined, rpc('ping'), { 'X-API-Key': user.apiKey });
    expect(response.status).toBe(200);
  });

  it('responds 403 to a foreign Origin before it reads the key', async () => {
    for (const Origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
      const response = await postMcp(node, user, rpc('tools/list'), { Origin });
      expect(response.status).toBe(403);
      expect(response.body.error.data.code).toBe('origin_not_allowed');
    }
    const local = await postMcp(node, user, rpc('tools/list'), { Origin: 'http://localhost:6274' });
    expect(local.status).toBe(200);
    expect(local.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });

  it('responds 403 to a foreign Host, against DNS rebinding', async () => {
    for (const host of ['evil.example', 'evil.example:8787', 'localhost.evil.example']) {
      expect(await statusWithHost(host)).toBe(403);
    }
    expect(await statusWithHost(new URL(node.url).host)).toBe(200);
    expect(await statusWithHost('localhost')).toBe(200);
  });

  function statusWithHost(host: string): Promise<number | undefined> {
    const headers = { host, authorization: `Bearer ${user.apiKey}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const call = request(`${node.url}/mcp`, { method: 'POST', headers }, (incoming) => {
        incoming.resume().on('end', () => resolve(incoming.statusCode));
      });
      call.on('error', reject).end(JSON.stringify(rpc('ping')));
    });
  }
});

describe('default project of a connection', () => {
  it('rejects a name that cannot be stored with the first call', async () => {
    for (const [query, message] of [
      ['%00', 'NUL'],
      ['x'.repeat(201), '200 characters'],
      ['%20', 'blank'],
    ]) {
      const call = rpc('tools/call', { name: 'list_memories', arguments: {} });
      const response = await fetch(`${node.url}/mcp?project=${query}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${user.apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(call),
      });
      expect(response.status).toBe(422);
      const problem = ((await response.json()) as Json).error.data;
      expect(problem).toMatchObject({ code: 'unprocessable', errors: [{ path: 'X-WhiteMagic-Project' }] });
      expect(problem.detail).toContain(message);
    }
  });
});

describe('restart of the service', () => {
  it('goes unnoticed by a connected client', async () => {
    const databaseUrl = await freshDatabase();
    const before = await startTestService({ databaseUrl });
    const owner = await before.newUser();
    const client = await connectMcp(before, owner);
    const { id } = await client.use('create_memory', { title: 'Deploys', content: 'We deploy on Fridays.' });
    await before.stop();

    const after = await startTestService({ databaseUrl, port: Number(new URL(before.url).port) });
    expect((await client.read('get_memory', { id })).stored).toContain('We deploy on Fridays.');
    expect((await client.listTools()).tools).toHaveLength(9);

    await client.close();
    await after.stop();
    await dropDatabase(databaseUrl);
  });
});
