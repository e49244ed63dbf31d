import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findOperation, OPERATIONS } from '../../api/contracts/index.ts';
import { isMemoryOperation, type Operation, SCOPES, takesBody } from '../../api/contracts/operation.ts';
import { generateKey } from '../../api/keys/key-format.ts';
import { updateAccountStatus, updatePlan } from '../../db/queries/accounts/users.ts';
import { type ApiResponse, Client, type Json } from '../support/client.ts';
import { expectProblem, loadOpenApi, type ResponseCheck } from '../support/openapi.ts';
import { sendRaw } from '../support/raw-http.ts';
import { clientOf, type SampleCall, sampleCall, sampleId, sendSample } from '../support/samples.ts';
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

const MISSING = '019ab0c0-0000-7000-8000-000000000000';
const ALL = OPERATIONS.map(({ id }) => ({ id, operation: findOperation(id) as Operation }));
const WITH_BODY = ALL.filter(({ operation }) => takesBody(operation));
const WITH_ID = ALL.filter(({ operation }) => operation.http.path.includes('{id}'));
/** Whether an operation is part of larger plans only, over REST. */
const needsPlan = (operation: Operation) => isMemoryOperation(operation) || operation.access.feature !== undefined;
/** Returns the text of a response without ids, to compare two errors. */
const withoutIds = ({ text, body }: ApiResponse<Json>, ...ids: string[]) =>
  [body.request_id, ...ids].reduce((kept, id) => kept.replaceAll(id, '?'), text);

/** Returns a memory or an import, or the keys of a user without what a call changes: its time of use and the number of calls. */
async function stateOf(owner: TestUser, operation: Operation, id: string): Promise<Json> {
  if (operation.id.startsWith('imports.')) return (await owner.api.get(`/import/${id}`)).body;
  if (isMemoryOperation(operation)) return (await owner.api.get(`/memories/${id}`)).body;
  const { results } = (await owner.api.get('/user/keys')).body;
  return results.map(({ last_used_at: _used, last_call: _last, calls_by_day: _calls, ...key }: Json) => key);
}

describe.each(ALL)('$id', ({ id, operation }) => {
  it('returns a documented status and a body that matches its schema', async () => {
    // A caller of its own, because the operation may delete the account.
    const caller = await node.newUser();
    const answer = await sendSample(await clientOf(id, caller), await sampleCall(id, caller));
    openApi.check(operation, answer);
    expect(answer.status, answer.text).toBe(operation.http.statuses[0]);
    const [minute, whole] = operation.access.sessionOnly ? ['session', 'dashboard'] : ['rpm', 'daily'];
    expect(answer.headers.get('ratelimit')).toMatch(
      new RegExp(`^"${minute}";r=\\d+;t=\\d+, "${whole}";r=\\d+;t=\\d+$`),
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('rejects a missing or invalid key, and names the reason', async () => {
    const call = await sampleCall(id, user);
    const revoked = (await user.api.post('/user/keys', { name: 'revoked' })).body;
    await user.api.delete(`/user/keys/${revoked.id}`);
    const mistyped = user.apiKey.slice(0, -1) + (user.apiKey.endsWith('a') ? 'b' : 'a');
    const keys = [undefined, 'nonsense', mistyped, generateKey('test'), revoked.api_key];
    const responses = await Promise.all(keys.map((key) => sendSample(new Client(node.url, key), call)));
    for (const answer of responses) {
      openApi.check(operation, answer);
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
    expect(responses.map(({ body }) => body.detail)).toEqual([
      expect.stringContaining('No API key was sent'),
      expect.stringContaining('is not a WhiteMagic API key'),
      expect.stringContaining('mistyped or incomplete'),
      expect.stringContaining('No account of this service has this API key'),
      expect.stringContaining('was revoked'),
    ]);
  });

  it('rejects a key without its scope', async () => {
    const call = await sampleCall(id, user);
    const scopes = SCOPES.filter((scope) => scope !== operation.access.scope);
    const { body } = await user.api.post('/user/keys', { name: 'narrow', scopes });
    const answer = await sendSample(new Client(node.url, body.api_key), call);
    openApi.check(operation, answer);
    expectProblem(answer, 403, operation.access.sessionOnly ? 'session_required' : 'scope_required');
  });

  it('names every unknown field in a 400', async () => {
    const call = await sampleCall(id, user);
    const withUnknown: SampleCall =
      'body' in call
        ? { ...call, body: { ...call.body, colour: 'red', user_id: MISSING } }
        : { ...call, path: `${call.path}${call.path.includes('?') ? '&' : '?'}colour=red&user_id=${MISSING}` };
    const answer = await sendSample(await clientOf(id, user), withUnknown);
    openApi.check(operation, answer);
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.body.errors).toEqual([
      { path: 'colour', message: 'is not a known field' },
      { path: 'user_id', message: 'is not a known field' },
    ]);
  });

  it(needsPlan(operation) ? 'is not available on the free plan' : 'is available on every plan', async () => {
    // A webhook can be created only on a larger plan, so the plan changes afterwards.
    const free = await node.newUser({ plan: 'pro' });
    const made =
      isMemoryOperation(operation) || !operation.http.path.includes('{') ? MISSING : await sampleId(id, free);
    await node.service.database.ownerWrite((sql) => updatePlan(sql, free.userId, 'free', new Date()));
    await vi.waitFor(async () => expect((await free.api.get('/user/me')).body.plan).toBe('free'));
    const answer = await sendSample(await clientOf(id, free), await sampleCall(id, free, made));
    openApi.check(operation, answer);
    if (needsPlan(operation)) expectProblem(answer, 403, 'plan_required');
    else expect(answer.status, answer.text).toBe(operation.http.statuses[0]);
  });

  it(`${isMemoryOperation(operation) && operation.execution.kind === 'write' ? 'is rejected' : 'is available'} while the account is read-only`, async () => {
    const lapsed = await node.newUser();
    const call = await sampleCall(id, lapsed);
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, lapsed.userId, 'read_only', new Date()));
    await vi.waitFor(async () => expect((await lapsed.api.get('/user/me')).body.status).toBe('read_only'));
    const answer = await sendSample(await clientOf(id, lapsed), call);
    openApi.check(operation, answer);
    if (isMemoryOperation(operation) && operation.execution.kind === 'write')
      expectProblem(answer, 403, 'account_read_only');
    else expect(answer.status, answer.text).toBe(operation.http.statuses[0]);
  });
});

describe.each(ALL)('$id', ({ id, operation }) => {
  const { allowedWhileClosing } = operation.access;

  it(`${allowedWhileClosing ? 'is available' : 'is rejected'} while the account is being deleted`, async () => {
    const leaving = await node.newUser();
    const call = await sampleCall(id, leaving);
    expect((await leaving.api.delete(`/account?confirm=${leaving.userId}`)).status).toBe(202);
    const answer = await sendSample(await clientOf(id, leaving), call);
    openApi.check(operation, answer);
    if (allowedWhileClosing) expect(answer.status, answer.text).toBe(operation.http.statuses[0]);
    else expectProblem(answer, 403, 'account_closing');
  });
});

describe.each(WITH_ID)('$id', ({ id, operation }) => {
  it('returns the same 404 for the id of another tenant as for an unknown id', async () => {
    const owner = await node.newUser();
    const theirs = await sampleId(id, owner);
    const before = await stateOf(owner, operation, theirs);
    const responses = await Promise.all(
      [theirs, MISSING].map(async (named) => sendSample(await clientOf(id, user), await sampleCall(id, user, named))),
    );
    for (const answer of responses) {
      openApi.check(operation, answer);
      expectProblem(answer, 404, 'not_found');
    }
    const [foreign, nowhere] = responses as [ApiResponse<Json>, ApiResponse<Json>];
    expect(withoutIds(foreign, ...theirs.split('/'))).toBe(withoutIds(nowhere, MISSING));
    expect([...foreign.headers.keys()]).toEqual([...nowhere.headers.keys()]);
    expect(await stateOf(owner, operation, theirs)).toEqual(before);
  });

  it.each(['not-a-uuid', '%00', '%F0%9F%A6%AD', '1%27%20or%20true', '..%2F..%2Fetc', `${MISSING}x`, '%E0%A4%A', '%'])(
    'rejects %s as an id',
    async (named) => {
      const answer = await sendSample(await clientOf(id, user), await sampleCall(id, user, named));
      openApi.check(operation, answer);
      expect([400, 422]).toContain(answer.status);
    },
  );

  it('rejects an id that is given in the path and again', async () => {
    const call = await sampleCall(id, user);
    const repeated =
      'body' in call
        ? { ...call, body: { ...call.body, id: MISSING } }
        : { ...call, path: `${call.path}?id=${MISSING}` };
    const answer = await sendSample(await clientOf(id, user), repeated);
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.body.errors[0].path).toBe('id');
  });
});

describe.each(WITH_BODY)('$id', ({ id, operation }) => {
  /** Sends the sample call with another body. */
  async function withBody(body: Uint8Array | string, headers: Record<string, string> = {}): Promise<ApiResponse<Json>> {
    const { method, path } = await sampleCall(id, user, operation.http.path.includes('{id}') ? MISSING : undefined);
    const { apiKey, headers: ofSession } = await clientOf(id, user);
    const caller = apiKey === undefined ? ofSession : { Authorization: `Bearer ${apiKey}` };
    const sent = { ...caller, 'Content-Type': 'application/json', ...headers };
    const answer = await sendRaw(node.url, { method, path: `/api/v1${path}`, headers: sent, body });
    openApi.check(operation, answer);
    return answer;
  }
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

  it.each([
    ['is truncated', '{"title": "x"'],
    ['is not JSON', 'title=x'],
    ['is two values', '{} {}'],
    ['has a trailing comma', '{"title": "x",}'],
    ['is not UTF-8', Buffer.from('7b2261223a22ff22 7d'.replace(' ', ''), 'hex')],
    ['is UTF-16', Buffer.from('{}', 'utf16le')],
    ['has an overlong NUL', Buffer.from('7b2261223a22c080227d', 'hex')],
  ])('rejects a body that %s as malformed', async (_what, body) => {
    expectProblem(await withBody(body), 400, 'malformed_request');
  });

  it.each(['[]', '"text"', '7', 'true', 'null'])('rejects a body that is not an object: %s', async (body) => {
    expectProblem(await withBody(body), 400, 'invalid_request');
  });

  it.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json', { 'Content-Encoding': 'gzip' }],
  ])('rejects a body of another media type: %s %o', async (type, headers) => {
    expectProblem(await withBody('{}', { 'Content-Type': type, ...headers }), 415, 'unsupported_media_type');
  });

  it('rejects a body over 1 MiB, with and without Content-Length', async () => {
    const big = Buffer.alloc(1_048_577, ' ');
    expectProblem(await withBody(big, { 'Content-Length': String(big.length) }), 413, 'body_too_large');
    expectProblem(await withBody(big, { 'Transfer-Encoding': 'chunked' }), 413, 'body_too_large');
  });

  it.each([
    ['NUL in a text', '{"title": "a\\u0000b"}', 'title'],
    ['NUL in a key', '{"a\\u0000b": 1}', '(key)'],
    ['NUL deep inside', '{"metadata": {"a": [{"b": "\\u0000"}]}}', 'metadata.a.0.b'],
    ['NUL in a key deep inside', '{"metadata": {"a": {"\\u0000": 1}}}', 'metadata.a.(key)'],
    ['a lone high surrogate', '{"title": "\\ud800"}', 'title'],
    ['a lone low surrogate', '{"title": "x\\udc00y"}', 'title'],
    ['surrogates in the wrong order', '{"title": "\\udc00\\ud800"}', 'title'],
    ['a lone surrogate in a key', '{"metadata": {"\\udfff": 1}}', 'metadata.(key)'],
    ['the key __proto__', '{"__proto__": {"admin": true}}', '(key)'],
    ['the key __proto__ inside', '{"metadata": {"__proto__": 1}}', 'metadata.(key)'],
  ])('rejects %s and names the field', async (_what, body, path) => {
    const answer = await withBody(body);
    expectProblem(answer, 422, 'unprocessable');
    expect(answer.body.errors.map((error: Json) => error.path)).toEqual([path]);
  });

  it('rejects deep nesting, also when it is 500,000 levels deep', async () => {
    expectProblem(await withBody(nested(101)), 422, 'unprocessable');
    const deepest = await withBody('['.repeat(500_000) + ']'.repeat(500_000));
    expect([400, 422]).toContain(deepest.status);
  });
});
