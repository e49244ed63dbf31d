import type Router from '@koa/router';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../api/app.ts';
import { readConfig } from '../../api/config.ts';
import { OPERATIONS, OPERATOR_OPERATIONS, PUBLIC_OPERATIONS } from '../../api/contracts/index.ts';
import { errorsOf, type Operation, publicErrorsOf } from '../../api/contracts/operation.ts';
import { PROBLEMS } from '../../api/errors.ts';
import type { Json } from '../support/client.ts';
import { expectProblem, loadOpenApi, type ResponseCheck } from '../support/openapi.ts';
import { sendRaw } from '../support/raw-http.ts';
import { sampleCall, sendSample } from '../support/samples.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;
let openApi: ResponseCheck;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  openApi = await loadOpenApi(node.url);
});
afterAll(() => node.stop());

const operations = OPERATIONS as unknown as readonly Operation[];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Routes that are no operations: probes, documents, pages for people, webhooks, and MCP, which has a protocol of its own. */
const OTHER_ROUTES =
  /^\/($|health$|ready$|version$|openapi\.json$|llms(-full)?\.txt$|docs($|\/)|app($|\/)|assets\/|auth\/|claim\/|login($|\/)|legal\/|status$|webhooks\/|welcome$|mcp($|\/)|\.well-known\/|whitemagic-)/;

/** Method and path of every route that the app really has. */
function routesOfApp(): string[] {
  const app = createApp({
    config: readConfig({}),
    pipeline: {} as never,
    log: {} as never,
    publicUrl: () => node.url,
    readiness: () => Promise.reject(new Error('not called')),
  });
  const routers = app.middleware.flatMap((middleware) => ('router' in middleware ? [middleware.router as Router] : []));
  return routers
    .flatMap((router) => router.stack)
    .flatMap(({ methods, path }) => methods.map((method) => `${method} ${String(path)}`))
    .filter((route) => !route.startsWith('HEAD '));
}

describe('/openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(openApi.document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(openApi.document.openapi).toMatch(/^3\.1\./);
  });

  it('has every route of the API, and the API has every route in it', () => {
    const documented = Object.entries<object>(openApi.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const served = routesOfApp();
    const ofOperators = OPERATOR_OPERATIONS.map(
      ({ http }) => `${http.method} /api/v1${http.path.replace(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(served).toEqual(expect.arrayContaining(ofOperators));
    const others = served.filter(
      (route) => OTHER_ROUTES.test(route.split(' ')[1] ?? '') || ofOperators.includes(route as never),
    );
    expect(others.length).toBeGreaterThan(5);
    expect(served.filter((route) => !others.includes(route)).toSorted()).toEqual(documented.toSorted());
    expect(documented).toHaveLength(OPERATIONS.length + PUBLIC_OPERATIONS.length);
  });

  it.each(operations)('documents for $id exactly the answers it may give', (operation) => {
    const { responses } = openApi.document.paths[`/api/v1${operation.http.path}`][operation.http.method.toLowerCase()];
    const rejections = errorsOf(operation).map((code) => PROBLEMS[code][0]);
    const expected = new Set([...operation.http.statuses, ...rejections].map(String));
    expect(Object.keys(responses).toSorted()).toEqual([...expected].toSorted());
    for (const code of errorsOf(operation)) expect(responses[PROBLEMS[code][0]].description).toContain(`\`${code}\``);
  });

  it.each(PUBLIC_OPERATIONS)('documents that $id needs no key, and exactly the answers it may give', (operation) => {
    const described = openApi.document.paths[`/api/v1${operation.http.path}`][operation.http.method.toLowerCase()];
    expect(described.security).toEqual([]);
    const expected = new Set(
      [...operation.http.statuses, ...publicErrorsOf(operation).map((code) => PROBLEMS[code][0])].map(String),
    );
    expect(Object.keys(described.responses).toSorted()).toEqual([...expected].toSorted());
  });

  it('leaves no other operation without a key', () => {
    expect(openApi.document.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    const open = Object.values<Json>(openApi.document.paths)
      .flatMap((methods) => Object.values<Json>(methods))
      .filter(({ security }) => security);
    const ofSessions = operations.filter(({ access }) => access.sessionOnly);
    expect(ofSessions.length).toBeGreaterThan(0);
    expect(Object.fromEntries(open.map(({ operationId, security }) => [operationId, security]))).toEqual(
      Object.fromEntries([
        ...ofSessions.map(({ id }) => [id, [{ session: [] }]]),
        ...PUBLIC_OPERATIONS.map(({ id }) => [id, []]),
      ]),
    );
  });

  it.each(operations)('documents every input of $id as parameter or body, and nothing else', async (operation) => {
    const described = openApi.document.paths[`/api/v1${operation.http.path}`][operation.http.method.toLowerCase()];
    const given = described.parameters.filter((one: Json) => one.in !== 'header').map((one: Json) => one.name);
    const body = Object.keys(described.requestBody?.content['application/json'].schema.properties ?? {});
    const shape = (operation.input as unknown as { shape: object }).shape;
    expect([...given, ...body].toSorted()).toEqual(Object.keys(shape).toSorted());
    const inPath = described.parameters.filter((one: Json) => one.in === 'path');
    expect(inPath.every((one: Json) => one.required)).toBe(true);
  });

  it('is what answers are held against: a field too many, too few or of another type would be noticed', async () => {
    const operation = operations.find(({ id }) => id === 'memories.create') as Operation;
    const answer = await sendSample(user.api, await sampleCall('memories.create', user));
    openApi.check(operation, answer);
    const { title: _title, ...untitled } = answer.body;
    for (const body of [
      { ...answer.body, extra: 1 },
      untitled,
      { ...answer.body, version: '1' },
      { ...answer.body, id: 'x' },
    ]) {
      expect(() => openApi.check(operation, { ...answer, body })).toThrow();
    }
    expect(() => openApi.check(operation, { ...answer, status: 202 })).toThrow();
  });
});

describe('an address', () => {
  it('that is nowhere is a 404 in the one shape', async () => {
    for (const path of ['/api/v1/nowhere', '/api/v1', '/api/v2/memories', '/memories', '/%', '/%00']) {
      const answer = await sendRaw(node.url, { path, headers: { Authorization: `Bearer ${user.apiKey}` } });
      expectProblem(answer, 404, 'not_found');
    }
  });

  it('takes no other method than those documented, and names them in Allow', async () => {
    const all = [...operations, ...PUBLIC_OPERATIONS];
    const paths = [...new Set(all.map(({ http }) => http.path))];
    for (const path of paths) {
      const allowed = all.filter(({ http }) => http.path === path).map(({ http }) => http.method);
      for (const method of [...METHODS, 'PROPFIND'].filter((one) => !allowed.includes(one as never))) {
        const answer = await user.api.request(method, path.replace(/\{\w+\}/, '019ab0c0-0000-7000-8000-000000000000'));
        expectProblem(answer, 405, 'method_not_allowed');
        const named = (answer.headers.get('allow') ?? '').split(', ').filter((one) => one !== 'HEAD');
        expect(named.toSorted(), `${method} ${path}`).toEqual([...new Set(allowed)].toSorted());
      }
    }
  });

  it('may come in absolute form, as proxies send it', async () => {
    const answer = await sendRaw(node.url, {
      path: `${node.url}/api/v1/memories?limit=1`,
      headers: { Authorization: `Bearer ${user.apiKey}` },
    });
    expect(answer.status, answer.text).toBe(200);
  });
});

describe('HEAD', () => {
  it('answers what GET would, without the body', async () => {
    const answer = await sendRaw(node.url, {
      method: 'HEAD',
      path: '/api/v1/memories',
      headers: { Authorization: `Bearer ${user.apiKey}` },
    });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
  });
});

describe('the probes', () => {
  it('tell that the process lives, that it can serve, and what it is, without a key and under any host name', async () => {
    const probe = async (path: string) => {
      const answer = await sendRaw(node.url, { path, headers: { Host: '10.0.0.7' } });
      expect(answer.status, path).toBe(200);
      return answer.body;
    };
    expect(await probe('/health')).toEqual({ status: 'ok' });
    expect(await probe('/ready')).toMatchObject({ ready: true, database: 'ok', migrations: 'current' });
    expect(await probe('/version')).toMatchObject({ name: 'whitemagic', node: process.version });
  });

  it('say 503 when migrations are missing', async () => {
    const { owner } = node.service.database;
    const last = '(select max(name) from knex_migrations)';
    const { rows } = await owner.query(`delete from knex_migrations where name = ${last} returning *`);
    const answer = await sendRaw(node.url, { path: '/ready' });
    await owner.query('insert into knex_migrations select * from jsonb_populate_record(null::knex_migrations, $1)', [
      rows[0],
    ]);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ ready: false, migrations: 'pending' });
    expect((await sendRaw(node.url, { path: '/ready' })).status).toBe(200);
  });
});
