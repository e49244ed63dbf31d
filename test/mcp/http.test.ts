import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  it('answers a request with one JSON object, never a stream, and keeps no session', async () => {
    for (const message of [initialize('2025-11-25'), rpc('ping'), rpc('tools/list')]) {
      const answer = await postMcp(node, user, message);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('mcp-session-id')).toBeNull();
      expect(answer.body).toMatchObject({ jsonrpc: '2.0', id: 1, result: expect.any(Object) });
    }
  });

  it('answers 202 without a body to notifications and to answers', async () => {
    const notices = [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      { jsonrpc: '2.0', id: 7, result: {} },
      [{ jsonrpc: '2.0', method: 'notifications/initialized' }],
    ];
    for (const notice of notices) {
      const answer = await postMcp(node, user, notice);
      expect(answer.status).toBe(202);
      expect(answer.text).toBe('');
    }
  });

  it('takes any Accept header: it can only answer JSON', async () => {
    for (const Accept of ['application/json', 'text/event-stream', '*/*', 'text/html']) {
      const answer = await postMcp(node, user, rpc('ping'), { Accept });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    }
  });

  it('agrees on the client’s protocol version where it knows it, on the newest of its own where not', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      const { body } = await postMcp(node, user, initialize(version));
      expect(body.result.protocolVersion).toBe(version);
    }
    const { body } = await postMcp(node, user, initialize('2099-01-01'));
    expect(body.result.protocolVersion).toBe('2025-11-25');
  });

  it('introduces itself with name, version, capabilities and instructions', async () => {
    const { result } = (await postMcp(node, user, initialize('2025-11-25'))).body;
    expect(result.serverInfo).toMatchObject({ name: 'whitemagic', title: 'WhiteMagic', version: expect.any(String) });
    expect(result.capabilities).toEqual({ tools: {}, resources: {}, prompts: {} });
    expect(result.instructions).toContain('search_memories');
  });

  it('takes every known MCP-Protocol-Version and none, and answers 400 to an unknown one', async () => {
    for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
      const { status } = await postMcp(node, user, rpc('tools/list'), { 'MCP-Protocol-Version': version });
      expect(status).toBe(200);
    }
    const refused = await postMcp(node, user, rpc('tools/list'), { 'MCP-Protocol-Version': '2026-07-28' });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ jsonrpc: '2.0', error: { message: expect.stringContaining('2025-11-25') } });
  });

  it('answers a batch in one array, each request once, and 202 where it holds none', async () => {
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

  it('gives every answer a request id, and honours a sane one', async () => {
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

describe('what is no request it can serve', () => {
  it.each([
    ['no JSON', '{"jsonrpc":', -32700],
    ['nothing', '', -32600],
    ['no object', '"ping"', -32600],
    ['null', 'null', -32600],
    ['no JSON-RPC', '{"hello":1}', -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['an empty batch', '[]', -32600],
    ['a batch with something else in it', '[{"jsonrpc":"2.0","id":1,"method":"ping"},1]', -32600],
    ['two handshakes', JSON.stringify([initialize('2025-11-25'), initialize('2025-11-25')]), -32600],
  ])('%s is a JSON-RPC error with 400', async (_, body, code) => {
    const answer = await postMcp(node, user, body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toMatchObject({ jsonrpc: '2.0', id: null, error: { code, message: expect.any(String) } });
  });

  it('an unknown method is -32601', async () => {
    const { status, body } = await postMcp(node, user, rpc('memories/forget-all', {}, 'x'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 'x', error: { code: -32601 } });
  });

  it('an unknown tool is -32602 and metered once', async () => {
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

  it('a tool call of the wrong form is an error, not a result', async () => {
    for (const params of [undefined, {}, { name: 7 }, { name: 'create_memory', arguments: 'title' }]) {
      const { body } = await postMcp(node, user, rpc('tools/call', params));
      expect(body).toMatchObject({ id: 1, error: { code: expect.any(Number), message: expect.any(String) } });
      expect(body).not.toHaveProperty('result');
    }
  });

  it('a body that is not JSON by its type is 415, one that is too large 413', async () => {
    const text = await postMcp(node, user, rpc('ping'), { 'Content-Type': 'text/plain' });
    expect(text.status).toBe(415);
    expect(text.body.code).toBe('unsupported_media_type');
    const large = await postMcp(node, user, rpc('ping', { padding: 'x'.repeat(1_048_576) }));
    expect(large.status).toBe(413);
    expect(large.body.code).toBe('body_too_large');
  });

  it('a memory of nearly a mebibyte is taken, spread over the body as JSON may', async () => {
    const content = 'word '.repeat(200_000);
    const call = rpc('tools/call', { name: 'create_memory', arguments: { title: 'Large', content } });
    const { body } = await postMcp(node, user, call);
    expect(body.result.structuredContent.version).toBe(1);
  });
});

describe('other methods and addresses', () => {
  it.each(['GET', 'DELETE', 'PUT', 'PATCH'])('%s /mcp is 405 with Allow: POST', async (method) => {
    for (const headers of [{}, { Authorization: `Bearer ${user.apiKey}`, Accept: 'text/event-stream' }]) {
      const answer = await fetch(`${node.url}/mcp`, { method, headers: headers as Record<string, string> });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(await answer.json()).toMatchObject({ code: 'method_not_allowed' });
    }
  });

  it('there is no OAuth discovery: it would make clients ignore the key they were given', async () => {
    const paths = [
      'oauth-protected-resource',
      'oauth-protected-resource/mcp',
      'oauth-authorization-server',
      'oauth-authorization-server/mcp',
      'openid-configuration',
    ];
    for (const path of paths) {
      const answer = await fetch(`${node.url}/.well-known/${path}`, { redirect: 'manual' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toMatch(/json/);
      expect(await answer.json()).toMatchObject({ status: 404, code: 'not_found' });
    }
    expect((await fetch(`${node.url}/mcp/.well-known/oauth-protected-resource`)).status).toBe(404);
    expect((await fetch(`${node.url}/register`, { method: 'POST' })).status).toBe(404);
  });
});

describe('who may call', () => {
  it('without a good key nobody: 401, with a challenge that names no authorisation server', async () => {
    const mistyped = `${user.apiKey.slice(0, -1)}${user.apiKey.endsWith('0') ? '1' : '0'}`;
    for (const apiKey of [undefined, 'wm_test_', mistyped, 'sk-something']) {
      const answer = await postMcp(node, apiKey === undefined ? undefined : { apiKey }, rpc('tools/list'));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="whitemagic", error="invalid_token"');
      expect(answer.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  it('the handshake needs the key too, so that a wrong one shows at once', async () => {
    expect((await postMcp(node, undefined, initialize('2025-11-25'))).status).toBe(401);
  });

  it('the key is taken from Authorization or X-API-Key', async () => {
    const answer = await postMcp(node, undefined, rpc('ping'), { 'X-API-Key': user.apiKey });
    expect(answer.status).toBe(200);
  });

  it('a foreign web page does not: 403 by its Origin, before the key is looked at', async () => {
    for (const Origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
      const answer = await postMcp(node, user, rpc('tools/list'), { Origin });
      expect(answer.status).toBe(403);
      expect(answer.body.code).toBe('origin_not_allowed');
    }
    const local = await postMcp(node, user, rpc('tools/list'), { Origin: 'http://localhost:6274' });
    expect(local.status).toBe(200);
    expect(local.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });

  it('a name that was rebound to this machine does not: 403 by its Host', async () => {
    for (const host of ['evil.example', 'evil.example:8787', 'localhost.evil.example']) {
      expect(await statusWithHost(host)).toBe(403);
    }
    expect(await statusWithHost(new URL(node.url).host)).toBe(200);
    expect(await statusWithHost('localhost')).toBe(200);
  });

  function statusWithHost(host: string): Promise<number | undefined> {
    const headers = { host, authorization: `Bearer ${user.apiKey}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const call = request(`${node.url}/mcp`, { method: 'POST', headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      call.on('error', reject).end(JSON.stringify(rpc('ping')));
    });
  }
});

describe('the default project of a connection', () => {
  it('must be the name of a project: what cannot be stored is refused with the first call', async () => {
    for (const [query, message] of [
      ['%00', 'NUL'],
      ['x'.repeat(201), '200 characters'],
      ['%20', 'blank'],
    ]) {
      const call = rpc('tools/call', { name: 'list_memories', arguments: {} });
      const answer = await fetch(`${node.url}/mcp?project=${query}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${user.apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(call),
      });
      expect(answer.status).toBe(422);
      const problem = (await answer.json()) as { detail: string };
      expect(problem).toMatchObject({ code: 'unprocessable', errors: [{ path: 'X-WhiteMagic-Project' }] });
      expect(problem.detail).toContain(message);
    }
  });
});

describe('a restart of the service', () => {
  it('is not noticed by a client in the middle of its life', async () => {
    const databaseUrl = await freshDatabase();
    const before = await startTestService({ databaseUrl });
    const owner = await before.newUser();
    const client = await connectMcp(before, owner);
    const { id } = await client.use('create_memory', { title: 'Deploys', content: 'We deploy on Fridays.' });
    await before.stop();

    const after = await startTestService({ databaseUrl, port: Number(new URL(before.url).port) });
    expect((await client.use('get_memory', { id })).content).toBe('We deploy on Fridays.');
    expect((await client.listTools()).tools).toHaveLength(9);

    await client.close();
    await after.stop();
    await dropDatabase(databaseUrl);
  });
});
