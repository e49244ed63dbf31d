import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../api/contracts/index.ts';
import { SCOPES } from '../../../api/contracts/operation.ts';
import { type ApiResponse, Client, type Json } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

/*
 * A key never outgrows itself: the keys that it creates, changes or rotates have at most its scopes, expiry and limit.
 */

const clock = createClock();
const DAY_MS = 86_400_000;
let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService({ now: clock.now });
  user = await node.newUser();
});
afterEach(() => clock.reset());
afterAll(() => node.stop());

type Key = Json & { api: Client };
const START = Date.now();
const inDays = (days: number) => new Date(START + days * DAY_MS).toISOString();

async function newKey(more: object = {}, by = user.api): Promise<Key> {
  const made = await by.post('/user/keys', { name: 'key', ...more });
  expect(made.status, made.text).toBe(201);
  return { ...made.body, api: new Client(node.url, made.body.api_key) };
}

function expectRejected(answer: ApiResponse<Json>, path: string): void {
  expect([answer.status, answer.body.code, answer.body.errors?.[0]?.path]).toEqual([422, 'unprocessable', path]);
}

const permissionsOf = async (id: string) => {
  const key = (await user.api.get('/user/keys')).body.results.find((one: Json) => one.id === id);
  return { scopes: key.scopes, expires_at: key.expires_at, rpm_limit: key.rpm_limit };
};

/** The calling key: four scopes, ten days, 100 calls a minute. */
const bounded = () => newKey({ expires_at: inDays(10), rpm_limit: 100 });
/** A calling key that may manage keys, but not memories. */
const narrow = () => newKey({ scopes: ['keys:write', 'account:read'] });

/** Permissions beyond those of {@link bounded}. */
const EXCESS: [what: string, field: 'expires_at' | 'rpm_limit', value: () => unknown][] = [
  ['a later expiry', 'expires_at', () => inDays(11)],
  ['no expiry', 'expires_at', () => null],
  ['a higher limit', 'rpm_limit', () => 101],
  ['no limit', 'rpm_limit', () => null],
];

describe('delegation of permissions to keys', () => {
  it('is tested for every operation on keys', () => {
    const tested = ['keys.create', 'keys.update', 'keys.rotate'];
    // A revocation grants nothing; the login of a program is approved in a session, which has every permission.
    const writes = OPERATIONS.filter(({ tag, execution }) => tag === 'keys' && execution.kind === 'write');
    expect(writes.map(({ id }) => id).toSorted()).toEqual([...tested, 'keys.revoke', 'device.decide'].toSorted());
  });

  it("gives new keys the calling key's permissions by default", async () => {
    const calling = await bounded();
    const made = await newKey({}, calling.api);
    expect(await permissionsOf(made.id)).toEqual(await permissionsOf(calling.id));
    const less = { expires_at: inDays(1), rpm_limit: 7, scopes: ['memories:read'] };
    expect(await permissionsOf((await newKey(less, calling.api)).id)).toEqual(less);
    const equal = { expires_at: inDays(10), rpm_limit: 100, scopes: [...SCOPES] };
    expect(await permissionsOf((await newKey(equal, calling.api)).id)).toEqual(equal);
  });

  it.each(EXCESS)('rejects %s for a new key', async (_what, field, value) => {
    expectRejected(await (await bounded()).api.post('/user/keys', { name: 'more', [field]: value() }), field);
  });

  it.each(EXCESS)('rejects %s for the calling key itself', async (_what, field, value) => {
    const { id, api } = await bounded();
    const before = await permissionsOf(id);
    expectRejected(await api.patch(`/user/keys/${id}`, { [field]: value() }), field);
    expect(await permissionsOf(id)).toEqual(before);
  });

  it.each(EXCESS)('rejects %s for another key', async (_what, field, value) => {
    const { api } = await bounded();
    const other = await newKey({ expires_at: inDays(5), rpm_limit: 5 });
    expectRejected(await api.patch(`/user/keys/${other.id}`, { [field]: value() }), field);
    expect((await api.patch(`/user/keys/${other.id}`, { expires_at: inDays(9), rpm_limit: 99 })).status).toBe(200);
  });

  it.each([
    ['wider scopes', { scopes: ['memories:read', 'keys:write'] }, 'scopes'],
    ['a later expiry', {}, 'expires_at'],
    ['a higher limit', { expires_at: inDays(1) }, 'rpm_limit'],
  ])('rejects the rotation of a key with %s', async (_what, more, path) => {
    const calling = path === 'scopes' ? await narrow() : await bounded();
    const other = await newKey(more);
    expectRejected(await calling.api.post(`/user/keys/${other.id}/rotate`), path);
    expect((await other.api.get('/user/keys')).status).not.toBe(401);
  });

  it('rejects scopes that the calling key lacks in a change', async () => {
    const { api } = await narrow();
    const wide = await newKey();
    expectRejected(await api.patch(`/user/keys/${wide.id}`, { scopes: ['memories:read'] }), 'scopes');
    expect((await api.patch(`/user/keys/${wide.id}`, { scopes: ['account:read'] })).status).toBe(200);
  });

  it('never revives an expired key with wider permissions', async () => {
    const callers = [await narrow(), await newKey({ rpm_limit: 100 })];
    const expired = await newKey({ expires_at: inDays(1) });
    clock.advance(DAY_MS * 2);
    expect((await expired.api.get('/user/me')).body.code).toBe('key_expired');
    for (const [n, { api }] of callers.entries()) {
      const path = n === 0 ? 'scopes' : 'rpm_limit';
      for (const expires_at of [inDays(5), null])
        expectRejected(await api.patch(`/user/keys/${expired.id}`, { expires_at }), path);
      expect((await api.post(`/user/keys/${expired.id}/rotate`)).status).toBe(404);
    }
    expect((await expired.api.get('/user/me')).body.code).toBe('key_expired');
    expect((await user.api.patch(`/user/keys/${expired.id}`, { expires_at: inDays(5) })).status).toBe(200);
  });

  it('lets a narrow key rename and shorten a wider one', async () => {
    const wide = await newKey({ expires_at: inDays(5) });
    const { api } = await narrow();
    const patched = await api.patch(`/user/keys/${wide.id}`, { name: 'renamed', expires_at: inDays(1), rpm_limit: 5 });
    expect([patched.status, patched.body.name, patched.body.rpm_limit]).toEqual([200, 'renamed', 5]);
  });
});

describe('key in the grace period of its rotation', () => {
  /** A rotated key that works for an hour more, and its successor. */
  async function retiring(): Promise<{ old: Key; successor: Json }> {
    const old = await newKey();
    const { body, status } = await user.api.post(`/user/keys/${old.id}/rotate`, { grace_seconds: 3600 });
    expect(status).toBe(201);
    return { old, successor: body };
  }

  it('cannot extend itself', async () => {
    const { old } = await retiring();
    for (const expires_at of [null, inDays(1)])
      expectRejected(await old.api.patch(`/user/keys/${old.id}`, { expires_at }), 'expires_at');
  });

  it('cannot outlive its grace period by a new, changed or rotated key', async () => {
    const { old, successor } = await retiring();
    const { expires_at } = await permissionsOf(old.id);
    expectRejected(await old.api.post('/user/keys', { name: 'heir', expires_at: null }), 'expires_at');
    expectRejected(await old.api.post(`/user/keys/${successor.id}/rotate`), 'expires_at');
    const other = await newKey({ expires_at: new Date(Date.now() + 60_000).toISOString() });
    expectRejected(await old.api.patch(`/user/keys/${other.id}`, { expires_at: null }), 'expires_at');
    const heirs = [
      (await newKey({}, old.api)).id,
      (await old.api.post(`/user/keys/${old.id}/rotate`, { grace_seconds: 604_800 })).body.id,
    ];
    for (const id of heirs) expect((await permissionsOf(id)).expires_at).toBe(expires_at);
    expect((await permissionsOf(old.id)).expires_at).toBe(expires_at);
  });

  it('ends with it', async () => {
    const { old } = await retiring();
    clock.advance(3_600_000);
    expect((await old.api.get('/user/me')).body.code).toBe('key_expired');
  });
});
