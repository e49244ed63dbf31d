import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as admin from '../../../api/accounts/admin.ts';
import { OPERATIONS } from '../../../api/contracts/index.ts';
import { isMemoryOperation } from '../../../api/contracts/operation.ts';
import { generateKey } from '../../../api/keys/key-format.ts';
import type { Sql } from '../../../db/client/sql.ts';
import { SPANS, type SpanData } from '../../../db/client/trace.ts';
import * as users from '../../../db/queries/accounts/users.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { dropDatabase, freshDatabase } from '../../support/database.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { openTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const LISTENER = 'whitemagic-listener';

let databaseUrl: string;
let line: TcpProxy;
/** The node that makes the changes. */
let near: TestService;
/** Another node on the same database, connected through a TCP proxy. */
let far: TestService;

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  line = await openTcpProxy(databaseUrl);
  near = await startTestService({ databaseUrl });
  far = await startTestService({ databaseUrl: line.url });
  vi.spyOn(far.service.database, 'lookup');
  vi.spyOn(near.service.database, 'lookup');
});
afterEach(() => line.release());
afterAll(async () => {
  await Promise.all([near.stop(), far.stop()]);
  await line.disconnect();
  await dropDatabase(databaseUrl);
});

/** A second key of a new user, with a client of each node that uses it. */
interface Subject {
  owner: TestUser;
  keyId: string;
  atNear: Client;
  atFar: Client;
}

async function newSubject(more: object = {}): Promise<Subject> {
  const owner = await near.newUser();
  const made = await owner.api.post('/user/keys', { name: 'key', ...more });
  const [atNear, atFar] = [near, far].map(({ url }) => new Client(url, made.body.api_key)) as [Client, Client];
  return { owner, keyId: made.body.id, atNear, atFar };
}

const call = (api: Client) => api.get('/user/me');

/** Counts the key lookups of a node during an action. */
async function lookupsOf(node: TestService, act: () => Promise<unknown>): Promise<number> {
  const { calls } = vi.mocked(node.service.database.lookup).mock;
  const count = () => calls.filter(([{ name }]) => name === 'find_key_owner').length;
  const before = count();
  await act();
  return count() - before;
}

/** Calls until the node has cached the key. */
async function warm(node: TestService, api: Client): Promise<void> {
  await vi.waitFor(async () => expect(await lookupsOf(node, () => call(api))).toBe(0), { timeout: 10_000 });
}

/** Returns whether a node looks a key up at each of five calls. */
const looksUpEachTime = async (node: TestService, api: Client) =>
  (await lookupsOf(node, async () => {
    for (let i = 0; i < 5; i++) await call(api);
  })) === 5;

const asAdmin = (act: (context: Parameters<typeof admin.setPlan>[0]) => Promise<unknown>) =>
  near.service.database.ownerWrite((sql) => {
    const context = { sql, now: () => new Date(), newId: () => uuidv7() };
    return act(context);
  });
const user = (sql: Sql, id: string) => users.findUser(sql, id) as Promise<users.UserRow>;
const rejected = (code: string) => (answer: ApiResponse<Json>) => expect(answer.body.code).toBe(code);

interface Change {
  /** The operation, the function of `admin.ts`, or the statement in `db/queries/accounts/users.ts`. */
  by: string;
  make: (subject: Subject) => Promise<unknown>;
  /** Asserts the response of a call after the change. */
  seen: (answer: ApiResponse<Json>) => void;
}

const CHANGES: Change[] = [
  {
    by: 'keys.revoke',
    make: ({ owner, keyId }) => owner.api.delete(`/user/keys/${keyId}`),
    seen: rejected('unauthenticated'),
  },
  {
    by: 'keys.update',
    make: ({ owner, keyId }) => owner.api.patch(`/user/keys/${keyId}`, { scopes: ['memories:read'] }),
    seen: rejected('scope_required'),
  },
  {
    by: 'keys.update',
    make: ({ owner, keyId }) => owner.api.patch(`/user/keys/${keyId}`, { rpm_limit: 321 }),
    seen: ({ headers }) => expect(headers.get('ratelimit-policy')).toContain('q=321'),
  },
  {
    by: 'keys.rotate',
    make: ({ owner, keyId }) => owner.api.post(`/user/keys/${keyId}/rotate`),
    seen: rejected('key_expired'),
  },
  {
    by: 'account.delete',
    make: ({ owner }) => owner.api.delete(`/account?confirm=${owner.userId}`),
    seen: ({ body }) => expect(body.status).toBe('closing'),
  },
  {
    by: 'account.restore',
    make: async ({ owner, atFar }) => {
      await owner.api.delete(`/account?confirm=${owner.userId}`);
      await vi.waitFor(async () => expect((await call(atFar)).body.status).toBe('closing'));
      await owner.api.post('/account/restore', {});
    },
    seen: ({ body }) => expect(body.status).toBe('active'),
  },
  {
    by: 'deleteUser',
    make: ({ owner }) =>
      asAdmin(async (context) => admin.deleteUser(context, await user(context.sql, owner.userId), { immediate: true })),
    seen: rejected('unauthenticated'),
  },
  {
    by: 'restoreUser',
    make: async ({ owner, atFar }) => {
      await owner.api.delete(`/account?confirm=${owner.userId}`);
      await vi.waitFor(async () => expect((await call(atFar)).body.status).toBe('closing'));
      await asAdmin(async (context) => admin.restoreUser(context, await user(context.sql, owner.userId)));
    },
    seen: ({ body }) => expect(body.status).toBe('active'),
  },
  {
    by: 'setPlan',
    make: ({ owner }) =>
      asAdmin(async (context) => admin.setPlan(context, await user(context.sql, owner.userId), 'free')),
    seen: ({ body }) => expect([body.plan, body.limits.rest]).toEqual(['free', false]),
  },
  {
    by: 'setOverrides',
    make: ({ owner }) =>
      asAdmin(async (context) =>
        admin.setOverrides(context, await user(context.sql, owner.userId), { requests_per_minute: 54_321 }),
      ),
    seen: ({ headers }) => expect(headers.get('ratelimit-policy')).toContain('q=54321'),
  },
  {
    by: 'revokeAnyKey',
    make: ({ keyId }) => asAdmin((context) => admin.revokeAnyKey(context, keyId)),
    seen: rejected('unauthenticated'),
  },
  ...(['read_only', 'deleted'] as const).map(
    (status): Change => ({
      by: 'updateStatus',
      make: ({ owner }) => asAdmin(({ sql }) => users.updateAccountStatus(sql, owner.userId, status, new Date())),
      seen: ({ body }) =>
        expect(status === 'deleted' ? body.code : body.status).toMatch(/^(read_only|unauthenticated)$/),
    }),
  ),
];

describe('key cache of another node', () => {
  it('answers repeated calls without a lookup', async () => {
    const { atFar } = await newSubject();
    await warm(far, atFar);
    const lookups = await lookupsOf(far, async () => {
      for (let i = 0; i < 20; i++) expect((await call(atFar)).status).toBe(200);
    });
    expect(lookups).toBe(0);
  });

  it.each(CHANGES)('applies $by and keeps it applied', async ({ make, seen }) => {
    const subject = await newSubject();
    await warm(far, subject.atFar);
    expect(() => seen({ status: 200, headers: new Headers(), text: '', body: { limits: {}, code: '' } })).toThrow();
    await make(subject);
    await vi.waitFor(async () => seen(await call(subject.atFar)), { timeout: 2_000, interval: 5 });
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => call(subject.atFar)))) seen(answer);
  });

  it('closes REST to an account that moves to the free plan', async () => {
    const { owner, atFar } = await newSubject();
    await warm(far, atFar);
    expect((await atFar.get('/stats')).status).toBe(200);
    await asAdmin(async (context) => admin.setPlan(context, await user(context.sql, owner.userId), 'free'));
    await vi.waitFor(async () => expect((await atFar.get('/stats')).body.code).toBe('plan_required'));
  });

  it('never accepts a key again after rejecting it, however calls and the revocation race', async () => {
    for (let round = 0; round < 10; round++) {
      const { owner, keyId, atFar } = await newSubject();
      const statuses: number[] = [];
      let done = false;
      const caller = async () => {
        while (!done) statuses.push((await call(atFar)).status);
      };
      const callers = [caller()];
      try {
        await vi.waitFor(() => expect(statuses.length).toBeGreaterThan(round), { timeout: 10_000 });
        await owner.api.delete(`/user/keys/${keyId}`);
        await vi.waitFor(() => expect(statuses.slice(-20)).toEqual(Array(20).fill(401)), { timeout: 10_000 });
      } finally {
        // Calls that go on would count as those of the next tests.
        done = true;
        await Promise.all(callers);
      }
      expect(new Set(statuses.slice(statuses.indexOf(401)))).toEqual(new Set([401]));
    }
  });

  it('is notified by every statement that changes the permissions of keys', () => {
    const tested = new Set(CHANGES.map(({ by }) => by));
    // A new key is in no cache, and neither a webhook, a session nor an export changes a key. Apps: `test/mcp/oauth.test.ts`.
    const operations = OPERATIONS.filter((one) => one.execution.kind === 'write' && !isMemoryOperation(one)).map(
      ({ id }) => id,
    );
    expect(operations.filter((id) => !tested.has(id))).toEqual([
      'keys.create',
      'webhooks.create',
      'webhooks.update',
      'webhooks.delete',
      'webhooks.test',
      'webhooks.rotate_secret',
      'webhooks.replay',
      'apps.revoke',
      'apps.decide_request',
      'device.decide',
      'sessions.revoke',
      'sessions.revoke_all',
      'account.export',
    ]);
    // `revokeAnyKey` revokes by `revokeKeyOf`, and no key is an operator's.
    const readsOrAdds = [
      'addKey',
      'addUser',
      'listAllUsers',
      'listUserKeys',
      'requireUser',
      'revokeKeyOf',
      'setOperator',
    ];
    expect(Object.keys(admin).filter((name) => !tested.has(name) && !readsOrAdds.includes(name))).toEqual([]);
    // Neither the end of a token that has expired, nor a later expiry of an app, whose tokens have their own, nor an e-mail address, nor a welcome, nor the acceptance of the terms, nor being an operator, nor a session's last use changes the permissions of keys.
    expect(silentWriters().toSorted()).toEqual([
      "'update users set email = $2, updated_at = $3 where id = $1'",
      "'update users set welcomed_at = $2 where id = $1'",
      'accept_terms',
      'delete_expired_tokens',
      'extend_grant',
      'touch_key',
      'update_operator',
      'update_session',
    ]);
  });
});

/** Lists the statements in `db/` that change or delete users or keys without a notification: by name, else by text. */
function silentWriters(): string[] {
  const folder = join(import.meta.dirname, '../../../db');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const statements = sources.flatMap((file) =>
    [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/(?:name: '(\w+)',\s*)?text:\s*(`[^`]*`|'[^']*'|"[^"]*")/g),
    ].map(([, name, text]) => ({ name, text: text as string })),
  );
  expect(statements.length).toBeGreaterThan(50);
  return statements
    .filter(({ text }) => /\b(update|delete from|truncate)\s+(users|api_keys|key_lookup)\b/.test(text))
    .filter(({ text }) => !text.includes('returning ${notifyAccountChanged('))
    .map(({ name, text }) => name ?? text);
}

describe('key cache of the node that makes the change', () => {
  it('rejects the next call before the notification arrives', async () => {
    const owner = await far.newUser();
    const made = await owner.api.post('/user/keys', { name: 'key' });
    const api = new Client(far.url, made.body.api_key);
    await warm(far, api);
    line.hold(LISTENER);
    const lookups = await lookupsOf(far, async () => expect((await call(api)).status).toBe(200));
    expect(lookups).toBe(0);
    expect((await owner.api.delete(`/user/keys/${made.body.id}`)).status).toBe(200);
    expect((await call(api)).status).toBe(401);
  });
});

describe('expiry of a cached key', () => {
  it('is enforced without a lookup', async () => {
    const { atFar } = await newSubject({ expires_at: new Date(Date.now() + 4_000).toISOString() });
    await warm(far, atFar);
    await vi.waitFor(async () => expect((await call(atFar)).body.code).toBe('key_expired'), { timeout: 10_000 });
  });
});

describe('key cache of a node that misses notifications', () => {
  const endListener = async () => {
    const others = `select pg_terminate_backend(pid) as ended from pg_stat_activity
      where application_name = $1 and datname = current_database()`;
    const { rows } = await near.service.database.owner.query(others, [LISTENER]);
    expect(rows.map(({ ended }) => ended)).toEqual([true, true]);
  };
  const revokeSilently = (keyId: string) =>
    near.service.database.owner.query('update api_keys set revoked_at = now() where id = $1', [keyId]);

  it('is empty until it listens again', async () => {
    const [kept, revoked] = [await newSubject(), await newSubject()];
    await warm(far, kept.atFar);
    await warm(far, revoked.atFar);
    line.reject(LISTENER);
    await endListener();
    await vi.waitFor(async () => expect(await looksUpEachTime(far, kept.atFar)).toBe(true), { timeout: 10_000 });
    expect((await call(revoked.atFar)).status).toBe(200);
    await revokeSilently(revoked.keyId);
    expect((await call(revoked.atFar)).status).toBe(401);
    expect(await looksUpEachTime(far, kept.atFar)).toBe(true);
    line.release();
    await warm(far, kept.atFar);
    expect((await call(revoked.atFar)).status).toBe(401);
  });

  it('detects a dead connection and keeps no entry longer than five seconds', async () => {
    const [kept, revoked] = [await newSubject(), await newSubject()];
    await warm(far, kept.atFar);
    await warm(far, revoked.atFar);
    line.hold(LISTENER);
    await revoked.owner.api.delete(`/user/keys/${revoked.keyId}`);
    await vi.waitFor(async () => expect((await call(revoked.atFar)).status).toBe(401), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await looksUpEachTime(far, kept.atFar)).toBe(true), { timeout: 10_000 });
    line.release();
    await warm(far, kept.atFar);
    expect((await call(revoked.atFar)).status).toBe(401);
  });
});

describe('a key that is not valid', () => {
  /**
   * Returns the statements that a call executes, and the status and code of its response. Leaves out `select 1`, the one
   * unnamed statement, with which the nodes probe their connections now and then.
   */
  async function workOf(apiKey: string) {
    const statements: string[] = [];
    const follow = (message: unknown) => {
      const { name } = message as SpanData;
      if (name !== 'select') statements.push(name);
    };
    SPANS.start.subscribe(follow);
    const { status, body } = await call(new Client(near.url, apiKey));
    SPANS.start.unsubscribe(follow);
    return { statements, status, code: body.code };
  }

  it('costs the same work, whether it is unknown or revoked', async () => {
    const { owner, keyId, atNear } = await newSubject();
    const revoked = atNear.apiKey as string;
    await owner.api.delete(`/user/keys/${keyId}`);
    const unknown = await workOf(generateKey('test'));
    expect(unknown).toEqual({ statements: ['find_key_owner'], status: 401, code: 'unauthenticated' });
    expect(await workOf(revoked)).toEqual(unknown);
    // As often as it is tried: neither is cached in another way.
    expect(await workOf(revoked)).toEqual(await workOf(generateKey('test')));
  });
});
