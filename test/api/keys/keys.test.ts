import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SCOPES } from '../../../api/contracts/operation.ts';
import { Client, type Json } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const clock = createClock();
let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService({ now: clock.now });
  user = await node.newUser({ email: 'ada@example.com' });
});
afterEach(() => clock.reset());
afterAll(() => node.stop());

const MISSING = '019ab0c0-0000-7000-8000-000000000000';
const MINUTE = 60_000;

/** Creates a key of the user and a client that uses it. */
async function newKey(more: object = {}, by = user.api): Promise<Json & { api: Client }> {
  const made = await by.post('/user/keys', { name: 'key', ...more });
  expect(made.status, made.text).toBe(201);
  return { ...made.body, api: new Client(node.url, made.body.api_key) };
}
const listed = async (id: string): Promise<Json> =>
  (await user.api.get('/user/keys')).body.results.find((key: Json) => key.id === id);

describe('GET /user/me', () => {
  it("returns the caller's account, plan, limits and key", async () => {
    await user.api.post('/memories', { title: '1234', content: '567' });
    const { status, body } = await user.api.get('/user/me');
    expect(status).toBe(200);
    expect(body).toEqual({
      id: user.userId,
      email: 'ada@example.com',
      plan: 'enterprise',
      status: 'active',
      purge_at: null,
      limits: {
        requests_per_minute: 1_000_000,
        requests_per_day: 1_000_000,
        storage_bytes: 10_000_000_000,
        rest: true,
        webhooks: true,
      },
      storage_bytes: 7,
      created_at: expect.any(String),
      billing: {
        summary: 'This account is on the enterprise plan, which was not bought at Whop.',
        renews_at: null,
        ends_at: null,
        manage_url: null,
      },
      memberships: [],
      key: { id: expect.any(String), scopes: [...SCOPES], projects: null },
      session: null,
      is_operator: false,
    });
  });
});

describe('POST /user/keys', () => {
  it('returns the key once, which works immediately and is stored nowhere', async () => {
    const made = await newKey({ name: ' CI ', expires_at: '2036-01-01', rpm_limit: 500 });
    expect(made.api_key).toMatch(/^wm_test_[0-9A-Za-z]{32}$/);
    expect(made).toMatchObject({
      name: ' CI ',
      prefix: 'wm_test_',
      last4: made.api_key.slice(-4),
      scopes: [...SCOPES],
      rpm_limit: 500,
      active: true,
      expires_at: '2036-01-01T00:00:00.000Z',
      revoked_at: null,
      last_used_at: null,
    });
    expect((await made.api.get('/user/me')).body.key.id).toBe(made.id);
    const list = await user.api.get('/user/keys');
    expect(list.body.results[0]).toMatchObject({ id: made.id, last4: made.last4 });
    expect(list.text).not.toContain(made.api_key);
    for (const table of ['api_keys', 'key_lookup', 'audit_log', 'outbox', 'idempotency_keys']) {
      const { rows } = await node.service.database.owner.query(`select t::text as row from ${table} t`);
      expect(JSON.stringify(rows), table).not.toContain(made.api_key.slice(8));
    }
  });

  it('creates a key that is accepted in X-API-Key and, in any case, in Authorization', async () => {
    const bare = new Client(node.url);
    const by = async (headers: Record<string, string>) => (await bare.get('/user/me', headers)).status;
    expect(await by({ 'X-API-Key': user.apiKey })).toBe(200);
    expect(await by({ Authorization: `bearer ${user.apiKey}` })).toBe(200);
    expect(await by({ Authorization: `Basic ${user.apiKey}` })).toBe(401);
    expect(await by({ Authorization: user.apiKey })).toBe(401);
  });

  it("creates keys with at most the calling key's scopes", async () => {
    const narrow = await newKey({ scopes: ['keys:write', 'memories:read'] });
    expect((await newKey({}, narrow.api)).scopes).toEqual(['keys:write', 'memories:read']);
    expect((await newKey({ scopes: ['memories:read'] }, narrow.api)).scopes).toEqual(['memories:read']);
    const rejected = await narrow.api.post('/user/keys', { name: 'wide', scopes: ['memories:read', 'memories:write'] });
    expect(rejected.status).toBe(422);
    expect(rejected.body.errors).toEqual([
      { path: 'scopes', message: "memories:write exceeds the calling key's scopes" },
    ]);
  });

  it('gives a key with few scopes no way to more by rotating or changing a wider key', async () => {
    const wide = await newKey();
    const narrow = await newKey({ scopes: ['keys:write'] });
    expect((await narrow.api.post(`/user/keys/${wide.id}/rotate`)).status).toBe(422);
    const widened = await narrow.api.patch(`/user/keys/${narrow.id}`, { scopes: [...SCOPES] });
    expect(widened.status).toBe(422);
    expect((await wide.api.get('/user/me')).status).toBe(200);
  });

  it('creates keys that can call exactly what their scopes allow', async () => {
    const calls: [scope: string, method: string, path: string, body?: object][] = [
      ['memories:read', 'GET', '/memories'],
      ['memories:read', 'POST', '/search', { query: 'x' }],
      ['memories:write', 'POST', '/memories', { title: 't', content: 'c' }],
      ['account:read', 'GET', '/user/me'],
      ['account:read', 'GET', '/user/keys'],
      ['keys:write', 'POST', '/user/keys', { name: 'n' }],
    ];
    for (const scope of SCOPES) {
      const { api } = await newKey({ scopes: [scope] });
      for (const [needed, method, path, body] of calls) {
        const answer = await api.request(method, path, body);
        if (needed === scope) expect(answer.status, `${scope} ${path}`).toBeLessThan(300);
        else {
          expect(answer.status, `${scope} ${path}`).toBe(403);
          expect(answer.body).toMatchObject({ code: 'scope_required', required_scope: needed });
        }
      }
    }
  });

  it('rejects an invalid name, scope, expiry or limit', async () => {
    const cases: [body: object, status: number, path: string][] = [
      [{}, 400, 'name'],
      [{ name: ' ' }, 422, 'name'],
      [{ name: 'x'.repeat(101) }, 422, 'name'],
      ...['a\nb', 'a\r\nb', '\nx', 'x\n', 'a\u2028b', 'a\u2029b', 'a\u0085b', 'a\tb', 'a\u001b[2Kb', 'a\vb'].map(
        (name): [object, number, string] => [{ name }, 422, 'name'],
      ),
      [{ name: 'x', scopes: [] }, 422, 'scopes'],
      [{ name: 'x', scopes: ['root'] }, 400, 'scopes.0'],
      [{ name: 'x', expires_at: '2020-01-01' }, 422, 'expires_at'],
      [{ name: 'x', rpm_limit: 0 }, 422, 'rpm_limit'],
      [{ name: 'x', admin: true }, 400, 'admin'],
    ];
    for (const [body, status, path] of cases) {
      const rejected = await user.api.post('/user/keys', body);
      expect(rejected.status, JSON.stringify(body)).toBe(status);
      expect(rejected.body.errors[0].path).toBe(path);
    }
  });
});

describe('PATCH /user/keys/{id}', () => {
  it('changes name, expiry and limit, and reduces scopes', async () => {
    const made = await newKey({ rpm_limit: 5 });
    const patched = await user.api.patch(`/user/keys/${made.id}`, { name: 'renamed', scopes: ['account:read'] });
    expect(patched.body).toMatchObject({ id: made.id, name: 'renamed', scopes: ['account:read'], rpm_limit: 5 });
    expect((await made.api.get('/memories')).status).toBe(403);
    const cleared = { rpm_limit: null, expires_at: null };
    expect((await user.api.patch(`/user/keys/${made.id}`, cleared)).body).toMatchObject(cleared);
    const wider = await user.api.patch(`/user/keys/${made.id}`, { scopes: ['account:read', 'memories:read'] });
    expect(wider.status).toBe(422);
    expect((await user.api.patch(`/user/keys/${made.id}`, { name: 'two\nlines' })).status).toBe(422);
    expect(await listed(made.id)).toMatchObject({ name: 'renamed', scopes: ['account:read'], rpm_limit: null });
  });

  it("returns 404 for an unknown, a revoked and another user's key, as rotation and revocation do", async () => {
    const stranger = await node.newUser();
    const theirs = (await stranger.api.get('/user/me')).body.key.id;
    const revoked = await newKey();
    await user.api.delete(`/user/keys/${revoked.id}`);
    for (const id of [MISSING, theirs, revoked.id]) {
      expect((await user.api.patch(`/user/keys/${id}`, { name: 'x' })).status).toBe(404);
      expect((await user.api.post(`/user/keys/${id}/rotate`)).status).toBe(404);
    }
    for (const id of [MISSING, theirs]) expect((await user.api.delete(`/user/keys/${id}`)).status).toBe(404);
    expect((await stranger.api.get('/user/me')).status).toBe(200);
  });
});

describe('DELETE /user/keys/{id}', () => {
  it('makes the next call fail like that of an unknown key', async () => {
    const made = await newKey();
    expect((await made.api.get('/user/me')).status).toBe(200);
    const revoked = await user.api.delete(`/user/keys/${made.id}`);
    expect(revoked.body).toMatchObject({ id: made.id, active: false, revoked_at: expect.any(String) });
    const rejected = await made.api.get('/user/me');
    expect(rejected.status).toBe(401);
    expect(rejected.body.code).toBe('unauthenticated');
    const again = await user.api.delete(`/user/keys/${made.id}`);
    expect(again.body.revoked_at).toBe(revoked.body.revoked_at);
  });

  it('lets a key revoke itself', async () => {
    const made = await newKey();
    expect((await made.api.delete(`/user/keys/${made.id}`)).status).toBe(200);
    expect((await made.api.get('/user/me')).status).toBe(401);
  });
});

describe('expired API key', () => {
  it('is rejected with the code key_expired until its expiry is extended', async () => {
    const made = await newKey({ expires_at: new Date(Date.now() + 2_000).toISOString() });
    expect((await made.api.get('/user/me')).status).toBe(200);
    clock.advance(2_000);
    const rejected = await made.api.get('/user/me');
    expect(rejected.status).toBe(401);
    expect(rejected.body.code).toBe('key_expired');
    expect(rejected.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(await listed(made.id)).toMatchObject({ active: false, revoked_at: null });
    const later = await user.api.patch(`/user/keys/${made.id}`, { expires_at: '2036-01-01' });
    expect(later.body.active).toBe(true);
    expect((await made.api.get('/user/me')).status).toBe(200);
  });
});

describe('POST /user/keys/{id}/rotate', () => {
  it('creates a key with the same name, scopes, limit and expiry, and ends the old one at once', async () => {
    const made = await newKey({ name: 'rotated', scopes: ['account:read'], rpm_limit: 77, expires_at: '2036-01-01' });
    const answer = await user.api.post(`/user/keys/${made.id}/rotate`);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      name: 'rotated',
      scopes: ['account:read'],
      rpm_limit: 77,
      expires_at: '2036-01-01T00:00:00.000Z',
      previous_key_id: made.id,
    });
    expect(answer.body.id).not.toBe(made.id);
    expect((await new Client(node.url, answer.body.api_key).get('/user/me')).status).toBe(200);
    expect((await made.api.get('/user/me')).status).toBe(401);
  });

  it('keeps the old key for the grace period and no longer', async () => {
    const made = await newKey();
    const { body } = await user.api.post(`/user/keys/${made.id}/rotate`, { grace_seconds: 2 });
    const left = Date.parse(body.previous_key_expires_at) - Date.now();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2_000);
    expect((await made.api.get('/user/me')).status).toBe(200);
    clock.advance(left);
    expect((await made.api.get('/user/me')).body.code).toBe('key_expired');
  });

  it("never extends the old key's expiry by a grace period", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const made = await newKey({ expires_at: soon });
    const { body } = await user.api.post(`/user/keys/${made.id}/rotate`, { grace_seconds: 604_800 });
    expect(body.previous_key_expires_at).toBe(soon);
  });

  it('returns 404 for an expired key', async () => {
    const made = await newKey({ expires_at: new Date(Date.now() + 60_000).toISOString() });
    clock.advance(60_000);
    const rejected = await user.api.post(`/user/keys/${made.id}/rotate`);
    expect(rejected.status).toBe(404);
  });
});

describe('last use of an API key', () => {
  const lastUsed = async (keyId: string): Promise<Date | null> => {
    const { rows } = await node.service.database.owner.query(
      'select k.last_used_at, u.last_seen_at from api_keys k join users u on u.id = k.user_id where k.id = $1',
      [keyId],
    );
    expect(rows[0].last_used_at === null || rows[0].last_seen_at >= rows[0].last_used_at).toBe(true);
    return rows[0].last_used_at;
  };
  const eventually = async (keyId: string, wanted: (at: Date | null) => boolean): Promise<Date | null> => {
    for (let tries = 0; tries < 100; tries++) {
      const at = await lastUsed(keyId);
      if (wanted(at)) return at;
      await sleep(20);
    }
    throw new Error('the last use was not recorded');
  };

  it('is recorded at the first use, then at most once a minute', async () => {
    const made = await newKey();
    await made.api.get('/user/me');
    const first = await eventually(made.id, (at) => at !== null);
    for (let call = 0; call < 5; call++) await made.api.get('/user/me');
    await sleep(100);
    expect(await lastUsed(made.id)).toEqual(first);
    /** Moves the last use into the past and calls until the node has read it. */
    const setBack = async (ms: number): Promise<Date> => {
      const at = new Date(Date.now() - ms);
      await node.service.database.owner.query(
        `update api_keys set last_used_at = $2 where id = $1 returning pg_notify('account_changed', user_id::text)`,
        [made.id, at],
      );
      const lookup = vi.spyOn(node.service.database, 'lookup');
      await vi.waitFor(async () => {
        await made.api.get('/user/me');
        expect(lookup).toHaveBeenCalledWith(expect.objectContaining({ name: 'find_key_owner' }));
      });
      lookup.mockRestore();
      return at;
    };
    const before = await setBack(MINUTE - 5_000);
    await sleep(100);
    expect(await lastUsed(made.id)).toEqual(before);
    await setBack(MINUTE + 1);
    await eventually(made.id, (at) => at !== null && Date.now() - at.getTime() < 5_000);
  });
});
