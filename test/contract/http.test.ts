import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../db/embedded/free-port.ts';
import { Client } from '../support/client.ts';
import { expectProblem } from '../support/openapi.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { eventsOf } from '../support/usage.ts';

const ALLOWED = 'https://app.example.com';
let node: TestService;
let user: TestUser;
let published: TestService;
let customer: { apiKey: string; listener: string };

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  const port = await freePort();
  published = await startTestService({ publicUrl: 'https://memory.example.com', allowedOrigins: [ALLOWED], port });
  const { apiKey } = await published.newUser();
  // As behind a proxy: requests go to the listener, with the public name as their host.
  customer = { apiKey, listener: `http://127.0.0.1:${port}` };
});
afterAll(async () => {
  await node.stop();
  await published.stop();
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('X-Request-Id', () => {
  it('is new for every request, including rejected ones', async () => {
    const answers = [
      await user.api.get('/user/me'),
      await user.api.get('/nowhere'),
      await new Client(node.url).get('/user/me'),
      await user.api.get(`${node.url}/health`),
      await user.api.post('/memories', '{'),
    ];
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(['abcdefgh', 'trace-1.2_3', 'a'.repeat(100)])(
    'is the id of the caller where that is valid: %s',
    async (id) => {
      const answer = await user.api.get('/nowhere', { 'X-Request-Id': id });
      expect(answer.headers.get('x-request-id')).toBe(id);
      expectProblem(answer, 404);
    },
  );

  it.each(['short', 'a'.repeat(101), 'has a space', '<script>', 'a/b/c/d/e', '"quoted-id"', 'höher-als-ascii'])(
    'is new where the id of the caller is invalid: %s',
    async (id) => {
      const answer = await user.api.get('/user/me', { 'X-Request-Id': id });
      expect(answer.headers.get('x-request-id')).toMatch(UUID);
    },
  );
});

describe('host names', () => {
  const get = (host: string, path = '/api/v1/user/me') =>
    sendRaw(node.url, { path, headers: { Host: host, Authorization: `Bearer ${user.apiKey}` } });

  it.each(['evil.example', 'evil.example:8787', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])(
    'rejects a name that is not its own, which prevents DNS rebinding: "%s"',
    async (host) => {
      for (const path of ['/api/v1/user/me', '/openapi.json', '/docs', '/api/v1/nowhere', '/mcp']) {
        expectProblem(await get(host, path), 403, 'host_not_allowed');
      }
    },
  );

  it.each(['localhost', 'localhost:1', '127.0.0.1', '127.9.9.9:80', '[::1]', 'LOCALHOST'])(
    'accepts loopback names: %s',
    async (host) => {
      expect((await get(host)).status).toBe(200);
    },
  );
});

describe('origins', () => {
  const call = (origin: string, more: Record<string, string> = {}, method = 'GET') =>
    user.api.request(method, '/user/me', undefined, { Origin: origin, ...more });

  it.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'file://',
    'https://127.0.0.1.evil.example',
  ])('rejects an origin that is not allowed, without CORS headers: %s', async (origin) => {
    const answers = [await call(origin), await call(origin, { 'Access-Control-Request-Method': 'POST' }, 'OPTIONS')];
    for (const answer of answers) {
      expectProblem(answer, 403, 'origin_not_allowed');
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it.each(['http://localhost:5173', 'http://127.0.0.1:6274'])(
    'accepts loopback origins on a local service: %s',
    async (origin) => {
      const answer = await call(origin);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('vary')).toContain('Origin');
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it('exposes errors and their headers to an allowed origin', async () => {
    const origin = 'http://localhost:5173';
    const answer = await call(origin, { Authorization: 'Bearer nonsense' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    for (const name of ['ETag', 'Location', 'Retry-After', 'RateLimit', 'X-Request-Id']) {
      expect(answer.headers.get('access-control-expose-headers')).toContain(name);
    }
  });

  it('responds to a preflight request without a key', async () => {
    const preflight = await new Client(node.url).request('OPTIONS', '/memories', undefined, {
      Origin: 'http://localhost:5173',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')?.split(', ').toSorted()).toEqual([
      'DELETE',
      'GET',
      'PATCH',
      'POST',
      'PUT',
    ]);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type,idempotency-key');
    expect(preflight.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  });
});

describe('a service with a public URL', () => {
  const get = (headers: Record<string, string>) =>
    sendRaw(customer.listener, {
      path: '/api/v1/user/me',
      headers: { Host: 'memory.example.com', Authorization: `Bearer ${customer.apiKey}`, ...headers },
    });

  it('accepts its public name, its own origin and the allowed origins', async () => {
    expect((await get({})).status).toBe(200);
    for (const origin of ['https://memory.example.com', ALLOWED]) {
      const answer = await get({ Origin: origin });
      expect(answer.status, origin).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    }
  });

  it('rejects loopback origins and similar names', async () => {
    for (const origin of [
      'http://localhost:5173',
      'http://memory.example.com',
      'https://x.memory.example.com',
      `${ALLOWED}.evil`,
    ]) {
      expectProblem(await get({ Origin: origin }), 403, 'origin_not_allowed');
    }
    expectProblem(await get({ Host: 'app.example.com' }), 403, 'host_not_allowed');
  });

  it('uses its public URL in links', async () => {
    const rejected = await get({ Authorization: '' });
    expect(rejected.body.type).toBe('https://memory.example.com/docs/errors#unauthenticated');
  });
});

describe('every response', () => {
  it('forbids framing, type sniffing and caching', async () => {
    for (const path of ['/api/v1/user/me', '/api/v1/nowhere', '/openapi.json', '/docs']) {
      const { headers } = await user.api.get(`${node.url}${path}`);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('cache-control')).toMatch(/no-store|max-age/);
    }
  });
});

describe('a Content-Length', () => {
  it('of 9 GB is rejected as too large, and the call is metered', async () => {
    const owner = await node.newUser();
    const answer = await sendRaw(node.url, {
      method: 'POST',
      path: '/api/v1/memories',
      headers: {
        Authorization: `Bearer ${owner.apiKey}`,
        'Content-Type': 'application/json',
        'Content-Length': '9000000000',
      },
    }).catch((error: Error) => error);
    expect(answer).not.toBeInstanceOf(Error);
    expectProblem(answer as never, 413, 'body_too_large');
    expect(await eventsOf(node, owner.userId)).toMatchObject([{ status: 413 }]);
  });
});
