import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/client.ts';
import { expectProblem, loadOpenApi } from '../support/openapi.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { eventsOf } from '../support/usage.ts';

let node: TestService;
let user: TestUser;
let document: Json;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  document = (await loadOpenApi(node.url)).document;
});
afterAll(() => node.stop());

describe('paths without parameters', () => {
  it.each(['batch', 'bulk'])('/memories/%s takes POST only, and is not the id of a memory', async (name) => {
    for (const path of [`/memories/${name}`, `/memories/${name.toUpperCase()}/`]) {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
        const response = await user.api.request(method, path);
        expectProblem(response, 405, 'method_not_allowed');
        expect(response.headers.get('allow'), `${method} ${path}`).toBe('POST');
      }
    }
  });
});

describe('a body on GET or DELETE', () => {
  it.each(['GET', 'DELETE'])(
    'is rejected for %s, because it would be ignored, and the call is metered',
    async (method) => {
      const owner = await node.newUser();
      const { id } = (await owner.api.post('/memories', { title: 'kept', content: 'c' })).body;
      for (const body of ['{"permanent": true}', '{}']) {
        const headers = {
          Authorization: `Bearer ${owner.apiKey}`,
          'Content-Type': 'application/json',
          'Content-Length': String(body.length),
        };
        const response = await sendRaw(node.url, { method, path: `/api/v1/memories/${id}`, headers, body });
        expectProblem(response, 400, 'invalid_request');
        expect(response.body.detail).toMatch(/^body: must be empty/);
      }
      expect((await owner.api.get(`/memories/${id}`)).body.status).toBe('active');
      expect((await eventsOf(node, owner.userId)).map(({ status }) => status)).toEqual([201, 400, 400, 200]);
    },
  );

  it('may have the length 0', async () => {
    const headers = { Authorization: `Bearer ${user.apiKey}`, 'Content-Length': '0' };
    expect((await sendRaw(node.url, { path: '/api/v1/stats', headers })).status).toBe(200);
  });
});

describe('request headers', () => {
  it('over 16 KiB are rejected with a problem document', async () => {
    const headers = { Authorization: `Bearer ${user.apiKey}`, 'X-Long': 'x'.repeat(20_000) };
    expectProblem(await sendRaw(node.url, { path: '/api/v1/stats', headers }), 431, 'headers_too_large');
  });
});

describe('timestamps', () => {
  it.each(['created_after', 'created_before', 'occurred_after', 'occurred_before'])(
    'report an unescaped "+" in %s',
    async (field) => {
      const response = await user.api.get(`/memories?${field}=2026-03-20T23:30:00+05:00`);
      expectProblem(response, 422, 'unprocessable');
      expect(response.body.errors).toEqual([
        { path: field, message: 'has a space in place of "+": write "+" as %2B in a query string' },
      ]);
      expect((await user.api.get(`/memories?${field}=2026-03-20T23:30:00%2B05:00`)).status).toBe(200);
    },
  );

  it('reject an empty text, as documented', async () => {
    expectProblem(await user.api.get('/memories?created_after='), 422, 'unprocessable');
    expect(document.paths['/api/v1/memories'].get.responses).toHaveProperty('422');
  });
});

describe('/openapi.json', () => {
  const parameters = (path: string, method: string): Record<string, Json> =>
    Object.fromEntries(document.paths[path][method].parameters.map((one: Json) => [one.name, one]));

  it('has a format for every timestamp of a request', () => {
    const formats = [{ format: 'date' }, { format: 'date-time' }];
    const list = parameters('/api/v1/memories', 'get');
    for (const name of ['created_after', 'created_before', 'occurred_after', 'occurred_before'])
      expect(list[name].schema).toMatchObject({ type: 'string', anyOf: formats });
    const { properties } = document.paths['/api/v1/memories'].post.requestBody.content['application/json'].schema;
    for (const name of ['occurred_at', 'expires_at']) expect(properties[name].anyOf, name).toEqual(formats);
  });

  it('says that an empty session_id or project in a query string means none', async () => {
    const list = parameters('/api/v1/memories', 'get');
    for (const name of ['session_id', 'project']) {
      expect(list[name].schema.type).toBe('string');
      expect(list[name].schema).not.toHaveProperty('minLength');
      expect(list[name].schema.description).toMatch(/Empty: null\.$/);
      expect((await user.api.get(`/memories?${name}=`)).status).toBe(200);
    }
  });

  it('has the bounds of offset', async () => {
    const { offset } = parameters('/api/v1/memories/{id}', 'get');
    expect(offset.schema).toMatchObject({ minimum: 0, maximum: 2_147_483_647 });
    const { id } = (await user.api.post('/memories', { title: 't', content: 'c' })).body;
    expect((await user.api.get(`/memories/${id}?offset=2147483647`)).status).toBe(200);
    expectProblem(await user.api.get(`/memories/${id}?offset=2147483648`), 422, 'unprocessable');
  });

  it('describes If-Match, Idempotency-Key, 412 and 431', () => {
    const update = document.paths['/api/v1/memories/{id}'].patch;
    const header = parameters('/api/v1/memories/{id}', 'patch');
    expect('"3"').toMatch(new RegExp(header['If-Match'].schema.pattern));
    expect('3').not.toMatch(new RegExp(header['If-Match'].schema.pattern));
    expect('a b').not.toMatch(new RegExp(header['Idempotency-Key'].schema.pattern));
    expect(update.responses['412'].description).toContain('precondition_failed');
    expect(update.responses['431'].description).toContain('headers_too_large');
  });
});

describe('the title of a memory', () => {
  it('is optional in POST, PUT and a batch', async () => {
    const created = await user.api.post('/memories', { content: '# Deploys\n\nWe deploy on Fridays.' });
    expect(created.body.title, created.text).toBe('Deploys');
    const replaced = await user.api.put(`/memories/${created.body.id}`, { content: 'We deploy on Mondays. Or not.' });
    expect(replaced.body.title).toBe('We deploy on Mondays.');
    const batch = await user.api.post('/memories/batch', { memories: [{ content: 'The key is in the safe.' }] });
    expect((await user.api.get(`/memories/${batch.body.results[0].id}`)).body.title).toBe('The key is in the safe.');
    expectProblem(await user.api.post('/memories', { title: ' ', content: 'c' }), 422, 'unprocessable');
  });
});
