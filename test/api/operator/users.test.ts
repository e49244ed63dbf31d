import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateOperator } from '../../../db/queries/accounts/users.ts';
import type { Client, Json } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let operator: Client;
let operatorId: string;

const sql = (text: string, values: unknown[] = []) => node.service.database.owner.query(text, values);

beforeAll(async () => {
  node = await startTestService();
  const admin = await node.newUser({ email: 'operator@example.org' });
  await node.service.database.ownerWrite((own) => updateOperator(own, admin.userId, true, new Date()));
  operatorId = admin.userId;
  operator = await admin.signIn();
});
afterAll(() => node.stop());

/** Returns the ids of the accounts that a search finds. */
async function found(query: string): Promise<string[]> {
  const { status, body, text } = await operator.get(`/admin/users?${new URLSearchParams({ query })}`);
  expect(status, text).toBe(200);
  return body.results.map(({ id }: Json) => id);
}

/** Returns the audit log of an account, newest first. */
async function auditOf(userId: string): Promise<Json[]> {
  const { rows } = await sql(
    'select actor, action, target, details from audit_log where user_id = $1 order by id desc',
    [userId],
  );
  return rows;
}

describe('search of accounts', () => {
  let ann: TestUser;
  let bob: TestUser;

  beforeAll(async () => {
    ann = await node.newUser({ email: 'Ann_1@Example.com' });
    bob = await node.newUser({ email: 'annX1@example.com' });
    await sql(`update users set whop_user_id = 'user_Bob%7' where id = $1`, [bob.userId]);
  });

  it('finds by the beginning of an e-mail address, whatever its case, newest first', async () => {
    expect(await found('ANN')).toEqual([bob.userId, ann.userId]);
    expect(await found('ann_1@example.com')).toEqual([ann.userId]);
    expect(await found('  ann_1  ')).toEqual([ann.userId]);
  });

  it('takes no character as a pattern', async () => {
    for (const query of ['%', '_', 'ann%', '\\', "' or true --"]) expect(await found(query)).toEqual([]);
  });

  it('finds by a Whop user id, and by an account id or its beginning', async () => {
    for (const query of ['user_Bob%7', 'user_Bob']) expect(await found(query)).toEqual([bob.userId]);
    expect(await found(ann.userId)).toEqual([ann.userId]);
    expect(await found(ann.userId.replaceAll('-', '').toUpperCase())).toEqual([ann.userId]);
    const [newest] = (await operator.get('/admin/users')).body.results;
    expect(await found(ann.userId.slice(0, 8))).toContain(newest.id);
  });

  it('lists page by page, each account once, and binds the cursor to the query', async () => {
    const all = (await operator.get('/admin/users?limit=100')).body;
    expect(all.next_cursor).toBeNull();
    const ids: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await operator.get(`/admin/users?limit=2${cursor}`);
      ids.push(...body.results.map(({ id }: Json) => id));
      if (!body.next_cursor) break;
      cursor = `&cursor=${body.next_cursor}`;
      expectProblem(await operator.get(`/admin/users?query=ann${cursor}`), 400, 'invalid_request');
    }
    expect(ids).toEqual(all.results.map(({ id }: Json) => id));
  });
});

describe('an account', () => {
  it('is shown with plan, usage, keys and counts, without secrets and contents of memories', async () => {
    const user = await node.newUser({ plan: 'pro', email: 'shown@example.com' });
    await user.api.post('/memories', { title: 'A private title', content: 'A private content' });
    await user.api.get('/memories/nothing');
    await user.signIn();
    await sql(
      `insert into memberships (user_id, id, status, tier, gave_access, cancel_at_period_end, manage_url, read_at, confirmed)
        values ($1, 'mem_1', 'active', 'pro', true, false, 'https://whop.com/secret', now(), true)`,
      [user.userId],
    );
    const { status, body, text } = await operator.get(`/admin/users/${user.userId}`);
    expect(status, text).toBe(200);
    expect(body).toMatchObject({
      email: 'shown@example.com',
      plan: 'pro',
      status: 'active',
      is_operator: false,
      memories: 1,
      sessions: 1,
      embedding: { pending: 0, failed: 0 },
      usage: { quota_units_today: 2, today: { calls: 2, billable: 2, errors: 1 }, last_30_days: { calls: 2 } },
      memberships: [{ id: 'mem_1', plan: 'pro', grants_access: true }],
      keys: [{ name: 'Test key', active: true, last4: user.apiKey.slice(-4) }],
    });
    expect(body.storage_bytes).toBeGreaterThan(0);
    expect(body.limits.requests_per_minute).toBe(1_000_000);
    for (const hidden of ['private', user.apiKey, 'secret']) expect(text).not.toContain(hidden);
  });

  it('gives 404 where there is none, for every act', async () => {
    const missing = '019ab0c0-0000-7000-8000-000000000000';
    const base = `/admin/users/${missing}`;
    for (const response of [
      await operator.get(base),
      await operator.get(`${base}/audit`),
      await operator.put(`${base}/plan`, { plan: 'pro' }),
      await operator.put(`${base}/overrides`, {}),
      await operator.post(`${base}/close`, {}),
      await operator.post(`${base}/restore`, {}),
      await operator.delete(`${base}/keys/${missing}`),
    ]) {
      expectProblem(response, 404, 'not_found');
    }
  });
});

describe('acts of an operator', () => {
  it('change plan and limits at once, and are in the audit log of the account without an e-mail address', async () => {
    const user = await node.newUser({ plan: 'starter', requestsPerMinute: null });
    const path = `/admin/users/${user.userId}`;
    expect((await operator.put(`${path}/plan`, { plan: 'pro' })).body).toEqual({ user_id: user.userId, plan: 'pro' });
    await operator.put(`${path}/overrides`, { requests_per_minute: 77, requests_per_day: null });
    const me = (await (await user.signIn()).get('/user/me')).body;
    expect([me.plan, me.limits.requests_per_minute, me.limits.requests_per_day]).toEqual(['pro', 77, 50_000]);
    const log = await auditOf(user.userId);
    const actor = `operator:${operatorId}`;
    expect(log.filter((entry) => entry.actor === actor)).toEqual([
      { actor, action: 'users.set_override', target: null, details: { requests_per_minute: 77 } },
      { actor, action: 'users.set_plan', target: null, details: { from: 'starter', to: 'pro' } },
    ]);
    // Newest is the sign-in above.
    const shown = await operator.get(`${path}/audit?limit=2`);
    expect(shown.body.results).toMatchObject([{ action: 'sessions.create' }, { actor, action: 'users.set_override' }]);
    const next = await operator.get(`${path}/audit?limit=1&cursor=${shown.body.next_cursor}`);
    expect(next.body.results).toMatchObject([{ actor, action: 'users.set_plan' }]);
    const own = await user.api.get('/user/audit-log');
    expect(own.body.results.slice(0, 3).filter((entry: Json) => entry.actor === actor)).toHaveLength(2);
    for (const text of [JSON.stringify(log), own.text]) expect(text).not.toContain('operator@example.org');
    await operator.put(`${path}/overrides`, {});
    expect((await operator.get(path)).body.overrides).toEqual({});
  });

  it('rejects limits that are none, and names the field', async () => {
    const user = await node.newUser();
    for (const value of [0, -1, 1.5, 'many', 1e15]) {
      const response = await operator.put(`/admin/users/${user.userId}/overrides`, { storage_bytes: value });
      expect([400, 422], response.text).toContain(response.status);
      expect(response.body.errors[0].path).toBe('storage_bytes');
    }
    expectProblem(await operator.put(`/admin/users/${user.userId}/plan`, { plan: 'gold' }), 400, 'invalid_request');
  });

  it('closes and restores an account, whose data stays', async () => {
    const user = await node.newUser();
    const { id } = (await user.api.post('/memories', { title: 'Kept', content: 'content' })).body;
    const closed = await operator.post(`/admin/users/${user.userId}/close`, {});
    expect(closed.body).toMatchObject({ user_id: user.userId, status: 'closing', purge_at: expect.any(String) });
    const browser = await user.signIn();
    expectProblem(await browser.get('/memories'), 403, 'account_closing');
    expect((await operator.post(`/admin/users/${user.userId}/restore`, {})).body.status).toBe('active');
    expect((await browser.get(`/memories/${id}`)).status).toBe(200);
    const acts = (await auditOf(user.userId)).filter(({ actor }) => actor === `operator:${operatorId}`);
    expect(acts.map(({ action }) => action)).toEqual(['account.restore', 'account.delete']);
  });

  it('revokes a key of the named account only', async () => {
    const [user, other] = [await node.newUser(), await node.newUser()];
    const [key] = (await operator.get(`/admin/users/${user.userId}`)).body.keys;
    expectProblem(await operator.delete(`/admin/users/${other.userId}/keys/${key.id}`), 404, 'not_found');
    expect((await user.api.get('/user/me')).status).toBe(200);
    for (let times = 0; times < 2; times++) {
      const revoked = await operator.delete(`/admin/users/${user.userId}/keys/${key.id}`);
      expect(revoked.body).toEqual({ user_id: user.userId, key_id: key.id, revoked: true });
    }
    await expect.poll(async () => (await user.api.get('/user/me')).status).toBe(401);
    const acts = (await auditOf(user.userId)).filter(({ action }) => action === 'keys.revoke');
    expect(acts).toEqual([{ actor: `operator:${operatorId}`, action: 'keys.revoke', target: key.id, details: {} }]);
  });
});
