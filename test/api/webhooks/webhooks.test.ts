import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setPlan } from '../../../api/accounts/admin.ts';
import { TEST_EVENT, TEST_EVENT_TYPE, WEBHOOK_EVENTS, webhookBody } from '../../../api/contracts/webhook-events.ts';
import { createLog } from '../../../api/observability/log.ts';
import { writeExport } from '../../../api/transfer/export.ts';
import { runImport } from '../../../api/transfer/import/run-import.ts';
import { alertUsage } from '../../../api/usage/alerts.ts';
import { type Deliverer, LEASE_MS, startDeliverer } from '../../../api/webhooks/deliverer.ts';
import { deleteExpiredDeliveries } from '../../../api/webhooks/retention.ts';
import { findUser } from '../../../db/queries/accounts/users.ts';
import { recordEventsStatement, WAITING_MAX } from '../../../db/queries/webhooks/record-events.ts';
import { Client, type Json } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { type ReceivedEvent, startWebhookReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const clock = createClock();
const context = { now: clock.now, newId: () => uuidv7() };
let node: TestService;
let receiver: WebhookReceiver;
const deliverers: Deliverer[] = [];

beforeAll(async () => {
  [node, receiver] = await Promise.all([
    startTestService({ allowPrivateUrls: true, now: clock.now }),
    startWebhookReceiver(),
  ]);
});
afterEach(() => clock.reset());
afterAll(async () => {
  receiver.close();
  await Promise.all(deliverers.map((one) => one.stop()));
  await node.stop();
});

/** Starts a deliverer whose every retry comes at its exact time. */
function newDeliverer(database = node.service.database): Deliverer {
  const log = createLog({ level: 'silent', pretty: false });
  const policy = { allowPrivate: true };
  const one = startDeliverer({ database, clock: context, policy, log, random: () => 0.5, isManual: true });
  deliverers.push(one);
  return one;
}

let count = 0;
const note = (more: object = {}) => ({ title: `secret title ${++count}`, content: `secret content ${count}`, ...more });

/** Creates a webhook to a path of its own. */
async function hook(user: TestUser, more: object = {}): Promise<Json & { path: string }> {
  const path = `/hook-${++count}`;
  const { status, body, text } = await user.api.post('/webhooks', { url: receiver.url + path, ...more });
  expect(status, text).toBe(201);
  return { ...body, path };
}

const deliveries = async (user: TestUser, id: string, query = '') =>
  (await user.api.get(`/webhooks/${id}/deliveries${query}`)).body.results as Json[];
const mailsTo = async (user: TestUser) =>
  (
    await node.service.database.owner.query<{ template: string; data: Json }>(
      "select template, data from outbox where user_id = $1 and template like 'webhook%'",
      [user.userId],
    )
  ).rows;

describe('webhooks', () => {
  it('send every event, signed so that the public library verifies it, without any text of a memory', async () => {
    const user = await node.newUser({ email: 'events@example.com' });
    const { id, secret, path } = await hook(user);
    const { api } = user;
    const memory = (await api.post('/memories', note({ tags: ['old'], project: 'shop' }))).body;
    await api.patch(`/memories/${memory.id}`, { add_tags: ['new'] });
    await api.delete(`/memories/${memory.id}`);
    await api.post(`/memories/${memory.id}/restore`);
    await api.delete(`/memories/${memory.id}?permanent=true`);
    await api.post('/memories', note({ type: 'short_term', tags: ['remember'] }));
    await api.post('/consolidate', { dry_run: false, min_age_days: 0 });
    const key = (await api.post('/user/keys', { name: 'Laptop' })).body;
    const rotated = (await api.post(`/user/keys/${key.id}/rotate`)).body;
    await api.delete(`/user/keys/${rotated.id}`);
    const started = (await api.post('/import', { name: 'notes.md', content: 'An imported note.', dry_run: false }))
      .body;
    await runImport(node.service.database, context, user.userId, started.id);
    await api.post(`/import/${started.id}/run`, { dry_run: false });
    for (let turn = 0; turn < 2; turn++) await runImport(node.service.database, context, user.userId, started.id);
    const { body: wanted } = await api.post('/account/export', {});
    await writeExport(node.service.database, context, user.userId, wanted.id);
    await node.service.database.owner.query(
      "update users set overrides = overrides || jsonb_build_object('storage_bytes', 1) where id = $1",
      [user.userId],
    );
    await alertUsage(node.service.database, context);
    await api.post(`/webhooks/${id}/test`);
    await newDeliverer().drain();

    const received = receiver.at(path);
    const types = [...Object.keys(WEBHOOK_EVENTS), TEST_EVENT_TYPE];
    expect([...new Set(received.map(({ body }) => body.type))].toSorted()).toEqual(types.toSorted());
    for (const { text, headers, body } of received) {
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body);
      const { data } = { ...WEBHOOK_EVENTS, [TEST_EVENT_TYPE]: TEST_EVENT }[body.type as 'memory.created'];
      expect(webhookBody(body.type, data).parse(body)).toEqual(body);
      expect(text).not.toMatch(/secret (title|content)|imported note/);
    }
    const ofMemory = received.filter(({ body }) => body.data.id === memory.id);
    expect(ofMemory.map(({ body }) => `${body.type} ${body.data.version}`)).toEqual([
      'memory.created 1',
      'memory.updated 2',
      'memory.archived 3',
      'memory.restored 4',
      'memory.deleted 4',
    ]);
    expect(new Set(received.map((event) => event.id)).size).toBe(received.length);
    expect((await deliveries(user, id, '?state=delivered')).map((one) => one.id).toSorted()).toEqual(
      received.map((event) => event.id).toSorted(),
    );
    expect((await api.get(`/webhooks/${id}`)).body).toMatchObject({ waiting: 0, failing_since: null });
  });

  it('record an event with its cause or not at all: none of a dry run, a rejected item or a replay', async () => {
    const user = await node.newUser({ storageBytes: 3_000 });
    const { id } = await hook(user);
    const key = { 'Idempotency-Key': `key-${++count}` };
    const once = note({ tags: ['x'] });
    await user.api.post('/memories', once, key);
    await user.api.post('/memories', once, key);
    await user.api.post('/memories/bulk', { filter: { tags: ['x'] }, action: 'archive', dry_run: true });
    await user.api.post('/consolidate', { dry_run: true, min_age_days: 0 });
    const batch = await user.api.post('/memories/batch', { memories: [note(), note({ content: 'x'.repeat(5_000) })] });
    expect(batch.body.results.map(({ status }: Json) => status ?? 'rejected')).toEqual(['created', 'rejected']);
    await user.api.post('/memories', note({ content: 'y'.repeat(5_000) }));
    expect((await deliveries(user, id)).map(({ type }) => type)).toEqual(['memory.created', 'memory.created']);
    await user.api.post('/memories/bulk', { filter: { status: 'all' }, action: 'delete', dry_run: false });
    expect((await deliveries(user, id)).map(({ type }) => type).slice(0, 2)).toEqual([
      'memory.deleted',
      'memory.deleted',
    ]);
  });

  it('are in the plans pro and enterprise, and say so elsewhere; a change of the plan disables and enables them', async () => {
    const starter = await node.newUser({ plan: 'starter' });
    const { status, body } = await starter.api.post('/webhooks', { url: 'https://example.com/' });
    expect([status, body.code, body.required_plan]).toEqual([403, 'plan_required', 'pro']);
    expect(body.detail).toContain('pro plan');
    expect((await starter.api.get('/webhooks')).body).toEqual({ results: [], total: 0 });

    const user = await node.newUser({ plan: 'pro' });
    const { id } = await hook(user);
    const planTo = (plan: 'starter' | 'pro') =>
      node.service.database.ownerWrite(async (sql) => {
        const row = await findUser(sql, user.userId);
        if (row) await setPlan({ ...context, sql }, row, plan);
      });
    await planTo('starter');
    await expect.poll(async () => (await user.api.post(`/webhooks/${id}/test`)).body.code).toBe('plan_required');
    expect((await user.api.get(`/webhooks/${id}`)).body).toMatchObject({ status: 'disabled', disabled_reason: 'plan' });
    await planTo('pro');
    expect((await user.api.get(`/webhooks/${id}`)).body).toMatchObject({ status: 'enabled', disabled_reason: null });
  });

  it('belong to one account, are at most ten, and need the scope of what they send', async () => {
    const [user, other] = [await node.newUser(), await node.newUser()];
    const { id, secret } = await hook(user);
    const rejected = [
      await other.api.get(`/webhooks/${id}`),
      await other.api.patch(`/webhooks/${id}`, { status: 'disabled' }),
      await other.api.get(`/webhooks/${id}/deliveries`),
      await other.api.post(`/webhooks/${id}/test`),
      await other.api.delete(`/webhooks/${id}`),
    ];
    expect(rejected.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    for (const path of ['/webhooks', `/webhooks/${id}`]) {
      expect((await user.api.get(path)).text).not.toContain(secret.slice(6));
    }
    const keyBody = { name: 'admin', scopes: ['keys:write', 'account:read'] };
    const { body: key } = await user.api.post('/user/keys', keyBody);
    const admin = new Client(node.url, key.api_key);
    const asked = (events: string[]) => admin.post('/webhooks', { url: 'https://example.com/', events });
    expect((await asked(['memory.created'])).body).toMatchObject({
      code: 'scope_required',
      required_scope: 'memories:read',
    });
    expect((await asked(['key.created'])).status).toBe(201);
    const made = await Promise.all(Array.from({ length: 12 }, () => user.api.post('/webhooks', { url: receiver.url })));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(8);
    expect(made.find(({ status }) => status !== 201)?.body.detail).toContain('at most 10 webhooks');
  });

  it('sign with both secrets while one is replaced, and with the new one after that', async () => {
    const user = await node.newUser();
    const { id, secret, path } = await hook(user);
    const { body } = await user.api.post(`/webhooks/${id}/rotate-secret`, { grace_seconds: 60 });
    const verifies = (of: string, { text, headers }: ReceivedEvent) => {
      try {
        return Boolean(new Webhook(of).verify(text, headers as Record<string, string>));
      } catch {
        return false;
      }
    };
    await user.api.post(`/webhooks/${id}/test`);
    await newDeliverer().drain();
    clock.advance(61_000);
    await user.api.post(`/webhooks/${id}/test`);
    await newDeliverer().drain();
    const [during, after] = receiver.at(path) as [ReceivedEvent, ReceivedEvent];
    expect([verifies(secret, during), verifies(body.secret, during)]).toEqual([true, true]);
    // The library rejects the timestamp of a clock that is ahead by less than five minutes no more than the receiver's.
    expect([verifies(secret, after), verifies(body.secret, after)]).toEqual([false, true]);
  });
});

describe('deliveries', () => {
  it('of 1,000 events to a receiver that fails half of them all arrive, none twice as a success, none invented', async () => {
    const user = await node.newUser();
    const { id, path } = await hook(user, { events: ['memory.updated'] });
    const attempts = new Map<string, number>();
    const accepted: string[] = [];
    receiver.respond(path, (event, response) => {
      const attempt = (attempts.get(event.id) ?? 0) + 1;
      attempts.set(event.id, attempt);
      const isFailing = Number.parseInt(event.id.slice(-1), 16) % 2 === 0 && attempt === 1;
      if (!isFailing) accepted.push(event.id);
      response.writeHead(isFailing ? 500 : 200).end();
    });
    const memories = Array.from({ length: 250 }, () => uuidv7());
    await node.service.database.ownerWrite(async (sql) => {
      for (const version of [1, 2, 3, 4]) {
        const events = memories.map((subject) => ({
          id: uuidv7(),
          type: 'memory.updated',
          subject,
          data: { id: subject, version },
          at: clock.now(),
        }));
        await sql.query(recordEventsStatement(user.userId, events));
      }
    });
    const deliverer = newDeliverer();
    for (let turn = 0; turn < 6; turn++) {
      await deliverer.drain();
      clock.advance(2 * MINUTE);
    }
    const { rows } = await node.service.database.owner.query<{ id: string; state: string; subject: string }>(
      'select id, state, subject from webhook_deliveries where webhook_id = $1',
      [id],
    );
    expect(rows).toHaveLength(1_000);
    expect(rows.every(({ state }) => state === 'delivered')).toBe(true);
    expect(accepted.toSorted()).toEqual(rows.map((row) => row.id).toSorted());
    const order = new Map<string, number[]>();
    for (const { body } of receiver.at(path)) {
      order.set(body.data.id, [...(order.get(body.data.id) ?? []), body.data.version]);
    }
    expect(order.size).toBe(memories.length);
    for (const versions of order.values()) expect(versions).toEqual(versions.toSorted());
    expect((await user.api.get(`/webhooks/${id}`)).body.waiting).toBe(0);
  });

  it('survive a worker that is killed between any two steps: the event arrives again, with its id', async () => {
    const user = await node.newUser();
    const { id, path } = await hook(user, { events: ['key.created'] });
    const { database } = node.service;
    for (const step of ['list_due_deliveries', 'record_delivered', 'release_webhook']) {
      const before = receiver.at(path).length;
      await user.api.post('/user/keys', { name: step });
      // A statement that never comes back is where the process ends.
      const dying = {
        ...database,
        owner: new Proxy(database.owner, {
          get: (pool, name) =>
            name === 'query'
              ? (statement: { name?: string }) =>
                  statement.name === step ? Promise.reject(new Error('killed')) : pool.query(statement as never)
              : Reflect.get(pool, name),
        }),
        ownerWrite: (work: Parameters<typeof database.ownerWrite>[0]) =>
          database.ownerWrite((sql) =>
            work({
              query: (statement) =>
                statement.name === step ? Promise.reject(new Error('killed')) : sql.query(statement),
            }),
          ),
      } as typeof database;
      await newDeliverer(dying).drain();
      await newDeliverer().drain();
      const isSent = step !== 'list_due_deliveries';
      expect([step, receiver.at(path).length - before]).toEqual([step, isSent ? 1 : 0]);
      clock.advance(LEASE_MS + 1);
      await newDeliverer().drain();
      const ids = receiver
        .at(path)
        .slice(before)
        .map((event) => event.id);
      expect([step, ids.length, new Set(ids).size]).toEqual([step, step === 'record_delivered' ? 2 : 1, 1]);
      expect((await deliveries(user, id))[0]).toMatchObject({ state: 'delivered', id: ids[0] });
    }
  });

  it('keep the order of a memory: a later event waits for the retry of an earlier one, those of others do not', async () => {
    const user = await node.newUser();
    const { path } = await hook(user, { events: ['memory.created', 'memory.updated'] });
    let isBroken = true;
    const first = (await user.api.post('/memories', note())).body;
    receiver.respond(path, ({ body }, response) => {
      response.writeHead(body.data.id === first.id && isBroken ? 500 : 200).end();
    });
    for (const tag of ['a', 'b']) await user.api.patch(`/memories/${first.id}`, { add_tags: [tag] });
    const second = (await user.api.post('/memories', note())).body;
    const seen = () =>
      receiver.at(path).map(({ body }) => `${body.data.id === first.id ? 1 : 2} v${body.data.version}`);
    const deliverer = newDeliverer();
    await deliverer.drain();
    expect(seen()).toEqual(['1 v1', '2 v1']);
    expect(second.version).toBe(1);
    isBroken = false;
    clock.advance(10_000);
    await deliverer.drain();
    expect(seen()).toEqual(['1 v1', '2 v1', '1 v1', '1 v2', '1 v3']);
  });

  it('wait for Retry-After, and end with 410, of which the owner gets an e-mail', async () => {
    const user = await node.newUser({ email: 'gone@example.com' });
    const { id, path } = await hook(user, { events: ['key.created'] });
    let status = 503;
    receiver.respond(path, (_event, response) => response.writeHead(status, { 'Retry-After': '3600' }).end());
    const deliverer = newDeliverer();
    await user.api.post('/user/keys', { name: 'one' });
    await deliverer.drain();
    await user.api.post('/user/keys', { name: 'two' });
    clock.advance(59 * MINUTE);
    await deliverer.drain();
    expect(receiver.at(path)).toHaveLength(1);
    status = 410;
    clock.advance(2 * MINUTE);
    await deliverer.drain();
    expect((await user.api.get(`/webhooks/${id}`)).body).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
    expect(await mailsTo(user)).toMatchObject([{ template: 'webhook_disabled', data: { reason: 'gone' } }]);
    const attempts = receiver.at(path).length;
    await user.api.post('/user/keys', { name: 'three' });
    clock.advance(DAY);
    await deliverer.drain();
    expect(receiver.at(path)).toHaveLength(attempts);
    expect((await user.api.post(`/webhooks/${id}/test`)).body.code).toBe('webhook_disabled');
    // Enabled again, it gets what waits; what happened meanwhile was not recorded.
    status = 200;
    await user.api.patch(`/webhooks/${id}`, { status: 'enabled' });
    await deliverer.drain();
    const names = receiver
      .at(path)
      .slice(attempts)
      .map(({ body }) => body.data.name);
    expect(names.toSorted()).toEqual(['one', 'two']);
  });

  it('are given up after three days, when the webhook is disabled and the owner gets an e-mail', async () => {
    const user = await node.newUser({ email: 'failing@example.com' });
    const { id, path } = await hook(user, { events: ['key.created'] });
    receiver.respond(path, (_event, response) => response.writeHead(302, { Location: '/elsewhere' }).end());
    await user.api.post('/user/keys', { name: 'lost' });
    const deliverer = newDeliverer();
    const started = clock.now().getTime();
    const times: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      await deliverer.drain();
      const [one] = await deliveries(user, id);
      times.push(Math.round((Date.parse(one?.last_attempt_at) - started) / MINUTE));
      if (one?.state !== 'pending') break;
      clock.advance(Date.parse(one.next_attempt_at) - clock.now().getTime() + 1_000);
    }
    expect(times.slice(0, 5)).toEqual([0, 0, 1, 3, 13]);
    expect((times.at(-1) ?? 0) / 1_440).toBeGreaterThan(2.4);
    expect((times.at(-1) ?? 0) / 1_440).toBeLessThanOrEqual(3.1);
    const [given] = await deliveries(user, id);
    expect(given).toMatchObject({ state: 'failed', response_status: 302, next_attempt_at: null });
    expect(given?.error).toContain('Redirects are not followed');
    expect(receiver.at('/elsewhere')).toEqual([]);
    // It is disabled once no success came for three days.
    clock.advance(DAY);
    await user.api.post(`/webhooks/${id}/test`);
    await deliverer.drain();
    expect((await user.api.get(`/webhooks/${id}`)).body.disabled_reason).toBe('failing');
    expect(await mailsTo(user)).toHaveLength(1);
    // A replay is one more delivery with the same id.
    await user.api.patch(`/webhooks/${id}`, { status: 'enabled' });
    receiver.respond(path, (_event, response) => response.writeHead(200).end());
    const replayed = await user.api.post(`/webhooks/${id}/deliveries/${given?.id}/replay`);
    expect(replayed.body.state, replayed.text).toBe('pending');
    await deliverer.drain();
    expect(await deliveries(user, id, '?state=delivered')).toContainEqual(expect.objectContaining({ id: given?.id }));
  });

  it('to one webhook do not wait for others that never respond, nor for a long backlog', async () => {
    const [slow, quick] = [await node.newUser(), await node.newUser()];
    const dead = await Promise.all(Array.from({ length: 10 }, () => hook(slow, { events: ['memory.created'] })));
    const { path } = await hook(quick, { events: ['memory.created'] });
    for (const { path: silent } of dead) receiver.respond(silent, () => undefined);
    await slow.api.post('/memories/batch', { memories: Array.from({ length: 50 }, () => note()) });
    await quick.api.post('/memories', note());
    const arrived = new Promise<void>((resolve) => {
      receiver.respond(path, (_event, response) => {
        response.writeHead(200).end();
        resolve();
      });
    });
    const deliverer = newDeliverer();
    const draining = deliverer.drain();
    // The silent ones respond only after this: without a place of its own it would wait for their time limit.
    await arrived;
    await deliverer.stop();
    await draining;
    // A stopped worker has released what it held, and counts no failure.
    const { rows } = await node.service.database.owner.query(
      'select sum(failures)::int as failures, count(leased_until)::int as leased from webhooks where user_id = $1',
      [slow.userId],
    );
    expect(rows).toEqual([{ failures: 0, leased: 0 }]);
    for (const { id } of dead) await slow.api.delete(`/webhooks/${id}`);
  });

  it('are bounded: one event beyond the most disables the webhook, and old ones are deleted', async () => {
    const user = await node.newUser({ email: 'backlog@example.com' });
    const { id } = await hook(user, { events: ['key.created'] });
    await user.api.post('/user/keys', { name: 'kept' });
    const { owner } = node.service.database;
    await owner.query('update webhooks set waiting = $2 where id = $1', [id, WAITING_MAX]);
    await user.api.post('/user/keys', { name: 'beyond' });
    await newDeliverer().drain();
    expect((await user.api.get(`/webhooks/${id}`)).body.disabled_reason).toBe('backlog');
    expect(await mailsTo(user)).toMatchObject([{ data: { reason: 'backlog' } }]);
    expect(await deliveries(user, id)).toHaveLength(1);
    expect((await user.api.patch(`/webhooks/${id}`, { status: 'enabled' })).body.waiting).toBe(1);
    await deleteExpiredDeliveries(node.service.database, new Date(Date.now() + 15 * DAY));
    expect(await deliveries(user, id)).toEqual([]);
    expect((await user.api.get(`/webhooks/${id}`)).body.waiting).toBe(0);
  });

  it('never lead to a private address where that is not allowed, whatever the URL was when it was created', async () => {
    const user = await node.newUser();
    const { id, path } = await hook(user, { events: ['key.created'] });
    await user.api.post('/user/keys', { name: 'internal' });
    const log = createLog({ level: 'silent', pretty: false });
    const policy = { allowPrivate: false };
    const strict = startDeliverer({ database: node.service.database, clock: context, policy, log, isManual: true });
    await strict.drain();
    expect(receiver.at(path)).toEqual([]);
    expect((await deliveries(user, id))[0]).toMatchObject({ state: 'pending', attempts: 1, response_status: null });
    await strict.stop();
  });
});
