import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deactivate, reactivate } from '../../../api/accounts/lifecycle.ts';
import { READ_ONLY_DAYS } from '../../../api/limits/plans.ts';
import { DAY_MS } from '../../../api/time.ts';
import type { Sql } from '../../../db/client/sql.ts';
import { addBackgroundRows } from '../../support/background-rows.ts';
import { Client, type Json } from '../../support/client.ts';
import { mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { connectMcp, textOf } from '../../support/mcp.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { countRows } from '../../support/tenant-rows.ts';

let sink: MailSink;
/** A node that runs background jobs. */
let node: TestService;

beforeAll(async () => {
  sink = await startMailSink();
  node = await startTestService({ jobs: true, smtpUrl: sink.url });
});
afterAll(async () => {
  await node.stop();
  await sink.close();
});

let count = 0;

/** Creates a user with an e-mail address, a memory with two versions and a second key. */
async function newOwner(): Promise<TestUser & { email: string; memoryId: string; keyId: string }> {
  const email = `owner-${++count}@example.com`;
  const user = await node.newUser({ email });
  const { body } = await user.api.post('/memories', { title: 'Kept', content: `of ${email}` });
  await user.api.patch(`/memories/${body.id}`, { content: `still of ${email}` });
  const key = await user.api.post('/user/keys', { name: 'second' });
  return { ...user, email, memoryId: body.id, keyId: key.body.id };
}

const mailsTo = (email: string) => sink.received.filter(({ to }) => to.includes(email));
const subjectsTo = (email: string) => mailsTo(email).map(({ source }) => mailParts(source).subject);
const close = (user: TestUser, more = '') => user.api.delete(`/account?confirm=${user.userId}${more}`);
const inTransaction = <T>(work: (context: { sql: Sql; now: () => Date; newId: () => string }) => Promise<T>) =>
  node.service.database.ownerWrite((sql) => work({ sql, now: () => new Date(), newId: () => uuidv7() }));
const seen = (user: TestUser, status: string) =>
  vi.waitFor(async () => expect((await user.api.get('/user/me')).body.status).toBe(status));

function expectInDays(instant: string, days: number): void {
  expect(Math.abs(new Date(instant).getTime() - Date.now() - days * DAY_MS)).toBeLessThan(60_000);
}

/** Returns an account's responses to a write, two reads and an export request: error codes, or else statuses. */
async function accessOf(user: TestUser): Promise<Json> {
  const [write, read, search, exported] = await Promise.all([
    user.api.post('/memories', { title: `t${++count}`, content: 'c' }),
    user.api.get('/memories'),
    user.api.post('/search', { query: 'Kept' }),
    user.api.post('/account/export', {}),
  ]);
  return [write, read, search, exported].map(({ status, body }) => body.code ?? status);
}

describe('DELETE /account', () => {
  it("rejects a request without the account's own id and changes nothing", async () => {
    const user = await newOwner();
    const other = await newOwner();
    expectProblem(await user.api.delete('/account'), 400, 'invalid_request');
    for (const confirm of [other.userId, 'yes', '']) {
      const answer = await user.api.delete(`/account?confirm=${confirm}`);
      expectProblem(answer, 422, 'unprocessable');
      expect(answer.body.errors[0].path).toBe('confirm');
    }
    expect((await user.api.get('/user/me')).body).toMatchObject({ status: 'active', purge_at: null });
  });

  it('limits the keys and the dashboard to export and restore, and e-mails how to restore', async () => {
    const user = await newOwner();
    const browser = await user.signIn();
    const mcp = await connectMcp(node, user);

    const answer = await close(user);
    expect([answer.status, answer.body.status]).toEqual([202, 'closing']);
    expectInDays(answer.body.purge_at, READ_ONLY_DAYS);

    expect(await accessOf(user)).toEqual(['account_closing', 'account_closing', 'account_closing', 202]);
    for (const path of ['/user/keys', '/user/usage', '/stats']) {
      expectProblem(await user.api.get(path), 403, 'account_closing');
    }
    expectProblem(await user.api.post('/user/keys', { name: 'more' }), 403, 'account_closing');
    const called = await mcp.tool('search_memories', { query: 'Kept' });
    expect([called.isError, textOf(called)]).toEqual([true, expect.stringContaining('account_closing')]);
    await mcp.close();
    expect((await user.api.get('/user/me')).body).toMatchObject({ status: 'closing', purge_at: answer.body.purge_at });
    expectProblem(await browser.get('/memories'), 403, 'account_closing');
    expect((await browser.get('/user/me')).body).toMatchObject({ status: 'closing' });

    await vi.waitFor(() => expect(subjectsTo(user.email)).toContain('Your WhiteMagic account is being deleted'));
    const email = mailsTo(user.email)
      .map(({ source }) => mailParts(source))
      .find(({ subject }) => /deleted/.test(subject));
    expect(email?.text).toContain(`${node.url}/app/account`);
  });

  it('requested twice keeps the purge date and sends one e-mail', async () => {
    const user = await newOwner();
    const first = await close(user);
    const again = await close(user);
    expect(again.body).toEqual(first.body);
    const { rows } = await node.service.database.owner.query(
      "select template from outbox where user_id = $1 and template = 'account_deleted'",
      [user.userId],
    );
    expect(rows).toHaveLength(1);
  });

  it('requires the scope keys:write', async () => {
    const user = await newOwner();
    const { body } = await user.api.post('/user/keys', { name: 'narrow', scopes: ['memories:read', 'account:read'] });
    const narrow = new Client(node.url, body.api_key);
    expectProblem(await narrow.delete(`/account?confirm=${user.userId}`), 403, 'scope_required');
    await close(user);
    expectProblem(await narrow.post('/account/restore', {}), 403, 'scope_required');
  });

  it('with immediate=true revokes the keys, e-mails the owner and then deletes everything but a receipt', async () => {
    const user = await newOwner();
    const other = await newOwner();
    const { owner } = node.service.database;
    const client = new pg.Client(node.databaseUrl);
    await client.connect();
    await addBackgroundRows(client);
    await client.end();
    const before = await countRows(owner, user.userId);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['memories', 'memory_versions', 'api_keys', 'key_lookup']),
    );
    const othersBefore = await countRows(owner, other.userId);

    const answer = await close(user, '&immediate=true');
    expect([answer.status, answer.body.status]).toEqual([202, 'deleted']);
    expectProblem(await user.api.get('/user/me'), 401, 'unauthenticated');
    expectProblem(await user.api.post('/account/restore', {}), 401, 'unauthenticated');

    await vi.waitFor(async () => expect(await countRows(owner, user.userId)).toEqual({}), { timeout: 20_000 });
    expect(subjectsTo(user.email)).toContain('Your WhiteMagic account is being deleted');
    expect(await countRows(owner, other.userId)).toEqual(othersBefore);
    const { rows } = await owner.query('select * from deletion_receipts where user_id = $1', [user.userId]);
    expect(rows).toEqual([
      {
        user_id: user.userId,
        reason: 'asked',
        asked_at: expect.any(Date),
        purged_at: expect.any(Date),
        counts: { memories: 1, versions: 1, keys: 3, usage_events: expect.any(Number), audit_rows: expect.any(Number) },
      },
    ]);
    expect(JSON.stringify(rows)).not.toContain(user.email);
  });

  it('with immediate=true also purges an account that is already closing', async () => {
    const user = await newOwner();
    await close(user);
    expect((await close(user, '&immediate=true')).body.status).toBe('deleted');
    const { owner } = node.service.database;
    await vi.waitFor(async () => expect(await countRows(owner, user.userId)).toEqual({}), { timeout: 20_000 });
  });
});

describe('POST /account/restore', () => {
  it('restores all data and the keys that were valid before', async () => {
    const user = await newOwner();
    const before = (await user.api.get(`/memories/${user.memoryId}`)).body;
    await user.api.delete(`/user/keys/${user.keyId}`);
    await close(user);
    const answer = await user.api.post('/account/restore', {});
    expect([answer.status, answer.body]).toEqual([200, { status: 'active', purge_at: null }]);
    expect((await user.api.get(`/memories/${user.memoryId}`)).body).toEqual(before);
    const keys = (await user.api.get('/user/keys')).body.results;
    expect(keys.map(({ active }: Json) => active).toSorted()).toEqual([false, true]);
    expect(await accessOf(user)).toEqual([201, 200, 200, 202]);
  });

  it('changes nothing of an account that is not being closed', async () => {
    const user = await newOwner();
    expect((await user.api.post('/account/restore', {})).body).toEqual({ status: 'active', purge_at: null });
  });

  it('makes a formerly read-only account read-only again, with its purge date', async () => {
    const user = await newOwner();
    await inTransaction((context) => deactivate(context, user.userId, 'test'));
    await seen(user, 'read_only');
    const lapsed = (await user.api.get('/user/me')).body.purge_at;
    await close(user);
    expect((await user.api.post('/account/restore', {})).body).toEqual({ status: 'read_only', purge_at: lapsed });
  });
});

describe('account without a plan', () => {
  it('can read, search and export over the transports of its last plan, but not write', async () => {
    const user = await newOwner();
    await inTransaction((context) => deactivate(context, user.userId, 'test', 'https://whop.example/m'));
    await seen(user, 'read_only');
    expect(await accessOf(user)).toEqual(['account_read_only', 200, 200, 202]);
    expectInDays((await user.api.get('/user/me')).body.purge_at, READ_ONLY_DAYS);
    await vi.waitFor(() => expect(subjectsTo(user.email)).toContain('Your WhiteMagic plan has ended'));
    const email = mailsTo(user.email)
      .map(({ source }) => mailParts(source))
      .find(({ subject }) => /ended/.test(subject));
    expect(email?.html).toContain('href="https://whop.example/m"');
  });

  it('is restored with all data by a new plan; deactivation and reactivation are idempotent', async () => {
    const user = await newOwner();
    await inTransaction((context) => deactivate(context, user.userId, 'test'));
    await seen(user, 'read_only');
    const { purge_at } = (await user.api.get('/user/me')).body;
    await inTransaction((context) => deactivate(context, user.userId, 'again'));
    expect((await user.api.get('/user/me')).body.purge_at).toBe(purge_at);
    for (let time = 0; time < 2; time++) await inTransaction((context) => reactivate(context, user.userId));
    await seen(user, 'active');
    expect(await accessOf(user)).toEqual([201, 200, 200, 202]);
    expect((await user.api.get(`/memories/${user.memoryId}`)).body.content).toBe(`still of ${user.email}`);
    const { rows } = await node.service.database.owner.query(
      "select action from audit_log where user_id = $1 and action like 'account.%activate' order by at, id",
      [user.userId],
    );
    expect(rows.map(({ action }) => action)).toEqual(['account.deactivate', 'account.reactivate']);
  });

  it('that is being closed stays so when its plan ends or is renewed', async () => {
    const user = await newOwner();
    const { purge_at } = (await close(user)).body;
    await inTransaction((context) => deactivate(context, user.userId, 'test'));
    expect((await user.api.get('/user/me')).body).toMatchObject({ status: 'closing', purge_at });
    await inTransaction((context) => reactivate(context, user.userId));
    expect((await user.api.get('/user/me')).body).toMatchObject({ status: 'closing', purge_at });
    expect((await user.api.post('/account/restore', {})).body.status).toBe('active');
  });

  it('is deactivated and reactivated without an error when the user no longer exists', async () => {
    await inTransaction((context) => deactivate(context, uuidv7(), 'test'));
    await inTransaction((context) => reactivate(context, uuidv7()));
  });
});
