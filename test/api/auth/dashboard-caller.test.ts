import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SESSION_DAYS, SESSION_DAYS_MAX, SESSIONS_MAX } from '../../../api/auth/sessions.ts';
import { SCOPES } from '../../../api/contracts/operation.ts';
import { SESSION_CALLS_PER_MINUTE } from '../../../api/limits/plans.ts';
import { DAY_MS, MINUTE_MS } from '../../../api/time.ts';
import { freePort } from '../../../db/embedded/free-port.ts';
import { updateAccountStatus } from '../../../db/queries/accounts/users.ts';
import { Client } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import { expectProblem } from '../../support/openapi.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

/*
 * A call of the API with a session cookie instead of a key, as the dashboard makes it.
 */

const clock = createClock();
let node: TestService;

beforeAll(async () => {
  node = await startTestService({ now: clock.now });
});
afterEach(() => clock.reset());
afterAll(() => node.stop());

const note = { title: 'A title', content: 'A content' };

describe('usage of a dashboard call', () => {
  it('is recorded without a key, is not billable, and leaves the calls of the plan alone', async () => {
    const user = await node.newUser({ plan: 'free', requestsPerDay: 3, requestsPerMinute: 3 });
    const browser = await user.signIn();
    expect((await browser.post('/memories', note)).status).toBe(201);
    expect(
      (await browser.post('/memories/batch', { memories: [note, { title: 'Other', content: 'Another content' }] }))
        .status,
    ).toBe(200);
    expect((await browser.post('/search', { query: 'title' })).body.total).toBe(1);
    for (let calls = 0; calls < 4; calls++) expect((await browser.get('/user/me')).status).toBe(200);
    expectProblem(await browser.get('/memories?colour=red'), 400, 'invalid_request');

    const events = await eventsOf(node, user.userId);
    expect(events).toHaveLength(8);
    for (const event of events) {
      expect(event).toMatchObject({ transport: 'dashboard', api_key_id: null, billable: false, units: 0 });
    }
    // Left out of the usage unless it is asked for.
    expect((await user.api.get('/user/usage?group_by=transport')).body.results).toEqual([]);
    const own = await user.api.get('/user/usage?group_by=transport&transport=dashboard');
    expect(own.headers.get('ratelimit')).toMatch(/^"rpm";r=1;t=\d+, "daily";r=1;t=\d+$/);
    expect(own.body.results).toEqual([expect.objectContaining({ transport: 'dashboard', calls: 8, billable: 0 })]);
    expect(own.body.plan.calls_today.used).toBe(1);
  });

  it('is limited for each session, and for all sessions of an account together', async () => {
    clock.stop();
    const user = await node.newUser();
    const [one, other, third] = await Promise.all([user.signIn(), user.signIn(), user.signIn()]);
    // A hundred items cost ten calls of the minute, also in a request that is rejected.
    const exhaust = async (browser: Client) => {
      for (let calls = 0; calls < SESSION_CALLS_PER_MINUTE.session / 10; calls++) {
        expect((await browser.post('/memories/batch', { memories: Array(100).fill({}), no: 1 })).status).toBe(400);
      }
    };
    await exhaust(one);
    const rejected = await one.get('/user/me');
    expectProblem(rejected, 429, 'rate_limited');
    expect(rejected.body['violated-policies']).toEqual(['session']);
    await exhaust(other);
    expect((await third.get('/user/me')).body['violated-policies']).toEqual(['dashboard']);
    expect((await user.api.get('/user/me')).status).toBe(200);
  });
});

describe('rights of a dashboard call', () => {
  it('are those of the person: keys of any scope, without expiry or limit, audited with the session', async () => {
    const user = await node.newUser();
    const browser = await user.signIn();
    const me = (await browser.get('/user/me')).body;
    expect(me).toMatchObject({ id: user.userId, key: null });
    const made = await browser.post('/user/keys', { name: 'All' });
    expect(made.body).toMatchObject({ scopes: [...SCOPES], expires_at: null, rpm_limit: null });
    const bounded = { scopes: ['memories:read'], rpm_limit: 5 };
    const narrow = await browser.post('/user/keys', { name: 'Narrow', ...bounded });
    expect(narrow.body).toMatchObject(bounded);
    expect((await browser.patch(`/user/keys/${narrow.body.id}`, { rpm_limit: null })).status).toBe(200);
    expect((await browser.post(`/user/keys/${narrow.body.id}/rotate`, {})).status).toBe(201);
    expect((await browser.delete(`/user/keys/${made.body.id}`)).status).toBe(200);
    const { rows } = await node.service.database.owner.query(
      "select distinct actor from audit_log where user_id = $1 and action like 'keys.%'",
      [user.userId],
    );
    expect(rows).toEqual([{ actor: `session:${me.session.id}` }]);
  });

  it('follow the status of the account like those of a key', async () => {
    const user = await node.newUser();
    const browser = await user.signIn();
    const { id } = (await browser.post('/memories', note)).body;
    await node.service.database.ownerWrite((sql) => updateAccountStatus(sql, user.userId, 'read_only', new Date()));
    expect((await browser.get(`/memories/${id}`)).status).toBe(200);
    expectProblem(await browser.post('/memories', { ...note, title: 'More' }), 403, 'account_read_only');
    expect((await browser.delete(`/account?confirm=${user.userId}`)).body.status).toBe('closing');
    expectProblem(await browser.get(`/memories/${id}`), 403, 'account_closing');
    expect((await browser.post('/account/export', {})).status).toBe(202);
    expect((await browser.post('/account/restore', {})).body.status).toBe('active');
    expect((await browser.get(`/memories/${id}`)).status).toBe(200);
    await browser.delete(`/account?confirm=${user.userId}&immediate=true`);
    expectProblem(await browser.get('/user/me'), 401, 'unauthenticated');
  });
});

describe('credentials of a request with a cookie', () => {
  it('are those of the key where there is one, whether it is valid or not', async () => {
    const [user, other] = [await node.newUser(), await node.newUser()];
    const { headers } = await user.signIn();
    for (const [name, key] of [
      ['Authorization', `Bearer ${other.apiKey}`],
      ['X-API-Key', other.apiKey],
    ] as const) {
      const both = new Client(node.url, undefined, { ...headers, [name]: key });
      expect((await both.get('/user/me')).body).toMatchObject({ id: other.userId, session: null });
    }
    const wrong = new Client(node.url, 'wm_test_wrong', headers);
    expectProblem(await wrong.get('/user/me'), 401, 'unauthenticated');
    const empty = new Client(node.url, undefined, { ...headers, Authorization: '', 'X-API-Key': '' });
    expect((await empty.get('/user/me')).body.id).toBe(user.userId);
  });

  it('are not accepted by the MCP server', async () => {
    const { headers } = await (await node.newUser()).signIn();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const accept = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
    const response = await fetch(`${node.url}/mcp`, { method: 'POST', headers: { ...headers, ...accept }, body });
    expect(response.status).toBe(401);
  });

  it.each(['A'.repeat(43), '', 'x', "' or true", 'A'.repeat(200)])(
    'are missing where no session has the cookie: %s',
    async (value) => {
      const client = new Client(node.url, undefined, { Cookie: `wm_session=${value}`, Origin: node.url });
      expectProblem(await client.get('/user/me'), 401, 'unauthenticated');
      expectProblem(await client.post('/memories', note), 401, 'unauthenticated');
    },
  );

  it('are a cookie that is bound to host and HTTPS where the service has HTTPS', async () => {
    const port = await freePort();
    const secure = await startTestService({ publicUrl: 'https://memory.example.com', port });
    const { headers } = await (await secure.newUser()).signIn();
    const get = (cookie: string) =>
      sendRaw(`http://127.0.0.1:${port}`, {
        path: '/api/v1/user/me',
        headers: { Host: 'memory.example.com', Cookie: cookie },
      });
    const cookie = headers.Cookie as string;
    const statuses = [(await get(cookie)).status, (await get(`__Host-${cookie}`)).status];
    await secure.stop();
    expect(statuses).toEqual([401, 200]);
  });
});

describe('a request of another page', () => {
  const port = () => new URL(node.url).port;
  const origins = (): [string, Record<string, string>][] => [
    ['another site', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
    ['another port of this machine', { Origin: 'http://127.0.0.1:9' }],
    ['another scheme', { Origin: `https://127.0.0.1:${port()}` }],
    ['another name of this machine', { Origin: `http://localhost:${port()}` }],
    ['the same site', { 'Sec-Fetch-Site': 'same-site' }],
    ['a browser that does not say where it comes from', {}],
  ];

  it('changes nothing, whatever the method', async () => {
    const user = await node.newUser();
    const { headers } = await user.signIn();
    const { id } = (await user.api.post('/memories', note)).body;
    for (const [what, origin] of origins()) {
      const page = new Client(node.url, undefined, { Cookie: headers.Cookie as string, ...origin });
      for (const rejected of [
        await page.post('/memories', { ...note, title: what }),
        await page.patch(`/memories/${id}`, { title: what }),
        await page.put(`/memories/${id}`, { ...note, title: what }),
        await page.delete(`/memories/${id}`),
      ]) {
        expectProblem(rejected, 403, 'origin_not_allowed');
      }
    }
    expect((await user.api.get('/memories?status=all')).body.results).toMatchObject([
      { id, version: 1, status: 'active' },
    ]);
  });

  it('is distinguished from one of its own, by Origin or else by Sec-Fetch-Site', async () => {
    const { headers } = await (await node.newUser()).signIn();
    const Cookie = headers.Cookie as string;
    const local = `localhost:${port()}`;
    const own: Record<string, string>[] = [
      { Origin: node.url },
      { 'Sec-Fetch-Site': 'same-origin' },
      { Host: local, Origin: `http://${local}` },
    ];
    for (const [index, origin] of own.entries()) {
      const body = JSON.stringify({ ...note, title: `Own ${index}` });
      const sent = { Cookie, 'Content-Type': 'application/json', 'Content-Length': String(body.length), ...origin };
      const response = await sendRaw(node.url, { method: 'POST', path: '/api/v1/memories', headers: sent, body });
      expect(response.status, response.text).toBe(201);
    }
  });

  it('cannot send a form: a body must be JSON', async () => {
    const browser = await (await node.newUser()).signIn();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const rejected = await browser.post('/memories', JSON.stringify(note), { 'Content-Type': type });
      expectProblem(rejected, 415, 'unsupported_media_type');
    }
  });
});

describe('sessions', () => {
  it('are listed with the calling one marked, and end at once when another browser ends them', async () => {
    const user = await node.newUser();
    const [first, second, third] = [await user.signIn(), await user.signIn(), await user.signIn()];
    const { body } = await second.get('/user/sessions');
    expect(body.total).toBe(3);
    expect(body.results.filter(({ current }: { current: boolean }) => current)).toHaveLength(1);
    expect(body.results[0]).toEqual({
      id: expect.any(String),
      label: 'Firefox on Linux',
      current: expect.any(Boolean),
      created_at: expect.any(String),
      last_seen_at: expect.any(String),
      expires_at: expect.any(String),
    });
    const { id } = (await first.get('/user/me')).body.session;
    expect((await second.delete(`/user/sessions/${id}`)).body).toEqual({ revoked: 1 });
    expectProblem(await first.get('/user/me'), 401, 'unauthenticated');
    expectProblem(await second.delete(`/user/sessions/${id}`), 404, 'not_found');
    expect((await second.delete('/user/sessions?except_current=true')).body).toEqual({ revoked: 1 });
    expectProblem(await third.get('/user/me'), 401, 'unauthenticated');
    expect((await second.delete('/user/sessions')).body).toEqual({ revoked: 1 });
    expectProblem(await second.get('/user/me'), 401, 'unauthenticated');
  });

  it('end for one account only', async () => {
    const [user, other] = [await node.newUser(), await node.newUser()];
    const [mine, theirs] = [await user.signIn(), await other.signIn()];
    await mine.delete('/user/sessions');
    expect((await theirs.get('/user/me')).status).toBe(200);
  });

  it(`end ${SESSION_DAYS} days after the last call, of which the cookie learns`, async () => {
    const browser = await (await node.newUser()).signIn();
    clock.advance(SESSION_DAYS * DAY_MS - MINUTE_MS);
    const extended = await browser.get('/user/me');
    expect(extended.status).toBe(200);
    expect(extended.headers.get('set-cookie')).toMatch(
      /^wm_session=[\w-]{43}; path=\/; expires=.*; samesite=lax; httponly$/,
    );
    expect((await browser.get('/user/me')).headers.get('set-cookie')).toBeNull();
    clock.advance(SESSION_DAYS * DAY_MS);
    expectProblem(await browser.get('/user/me'), 401, 'unauthenticated');
  });

  it(`end ${SESSION_DAYS_MAX} days after the sign-in, however often they are used`, async () => {
    const browser = await (await node.newUser()).signIn();
    for (let days = 20; days < SESSION_DAYS_MAX; days += 20) {
      clock.advance(20 * DAY_MS);
      expect((await browser.get('/user/me')).status).toBe(200);
    }
    clock.advance((SESSION_DAYS_MAX % 20) * DAY_MS);
    expectProblem(await browser.get('/user/me'), 401, 'unauthenticated');
  });

  it(`are ${SESSIONS_MAX} at most: a sign-in ends the one that was not used for the longest time`, async () => {
    const user = await node.newUser();
    const first = await user.signIn();
    const second = await user.signIn();
    clock.advance(2 * MINUTE_MS);
    expect((await first.get('/user/me')).status).toBe(200);
    for (let more = 1; more < SESSIONS_MAX; more++) await user.signIn();
    expect((await first.get('/user/sessions')).body.total).toBe(SESSIONS_MAX);
    expectProblem(await second.get('/user/me'), 401, 'unauthenticated');
  });
});
