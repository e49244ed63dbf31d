import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WEBHOOK_ATTEMPTS_MAX } from '../../../db/queries/billing/webhook-inbox.ts';
import type { Membership, WhopEvent } from '../../../scripts/whop-simulator/server.ts';
import { serializeBody, signatureHeaders } from '../../../scripts/whop-simulator/shapes.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';
import { Client, type Json } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService } from '../../support/service.ts';

const METRICS_TOKEN = 'a-token-of-enough-length';

let bench: BillingFixture;

beforeAll(async () => {
  bench = await openBillingFixture({ metricsToken: METRICS_TOKEN });
});
afterAll(() => bench.close());
afterEach(async () => {
  const { whop, sql } = bench;
  whop.faults = {};
  whop.shape = 'v1';
  whop.webhooksDisabled = false;
  await bench.settled();
  await sql.query('delete from webhook_inbox');
  whop.events.length = 0;
});

const last = (): WhopEvent => bench.whop.events.at(-1) as WhopEvent;
const userOf = ({ person }: Membership) => person?.id;

/** Signs the bytes of a body as Whop does. */
function sign(body: string | Buffer, id: string, secret: string): Record<string, string> {
  const t = Math.floor(Date.now() / 1000);
  const hmac = createHmac('sha256', secret).update(`${id}.${t}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(t), 'webhook-signature': `v1,${hmac}` };
}

async function postBytes(url: string, body: string | Buffer, headers: Record<string, string>) {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
}

/** Delivers the newest event, which must be accepted, and waits until it is processed. */
async function deliverLast(): Promise<void> {
  expect(await bench.whop.deliver(last())).toBe(200);
  await bench.settled();
}

describe('POST /webhooks/whop', () => {
  it('stores a signed event and responds with 200 before it is processed', async () => {
    const { whop } = bench;
    whop.faults = { delayMs: 300 };
    const membership = whop.buy('plan_pro');
    expect(await whop.deliver(last())).toBe(200);
    expect(await bench.inbox()).toMatchObject([
      { webhook_id: last().id, type: 'membership.activated', deliveries: 1, ignored: false, done: false },
    ]);
    expect(await bench.account(userOf(membership))).toBeUndefined();
    await bench.settled();
    expect(await bench.inbox()).toMatchObject([{ done: true, attempts: 1, last_error: null }]);
    expect(await bench.account(userOf(membership))).toMatchObject({
      plan: 'pro',
      status: 'active',
      claims: 1,
      keys: 0,
    });
  });

  it('rejects unsigned, outdated and changed requests with 401 and stores nothing', async () => {
    const { whop, node } = bench;
    whop.buy('plan_pro');
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    expect(await whop.deliver(last(), { secret: 'ws_wrong' })).toBe(401);
    expect(await whop.deliver(last(), { at: minutesAgo(6) })).toBe(401);
    expect(await whop.deliver(last(), { at: minutesAgo(-6) })).toBe(401);
    expect(await whop.deliver(last(), { shape: 'sketch' })).toBe(401);
    const body = serializeBody(last(), 'v1');
    const headers = signatureHeaders({ id: last().id, body, shape: 'v1' }, whop.config.webhookSecrets[0] as string);
    const client = new Client(node.url);
    const url = `${node.url}/webhooks/whop`;
    expectProblem(await client.post(url, body.replace('active', 'Active'), headers), 401, 'invalid_signature');
    expectProblem(await client.post(url, body), 401, 'invalid_signature');
    expect(await bench.inbox()).toEqual([]);
    const metrics = await client.get(`${node.url}/metrics`, { Authorization: `Bearer ${METRICS_TOKEN}` });
    expect(metrics.text).toContain('whitemagic_webhooks_rejected_total 6\n');
    // The signed bytes, including white space, with any Content-Type.
    const spaced = ` ${body}\n`;
    const again = signatureHeaders(
      { id: last().id, body: spaced, shape: 'v1' },
      whop.config.webhookSecrets[0] as string,
    );
    expect((await client.post(url, spaced, { ...again, 'Content-Type': 'text/plain' })).status).toBe(200);
  });

  it('rejects signed requests that are not events with 400 and stores nothing', async () => {
    const { whop, node } = bench;
    for (const body of ['', 'not JSON', '[]', '{"type":"membership.activated"}']) {
      const headers = signatureHeaders({ id: 'msg_x', body, shape: 'v1' }, whop.config.webhookSecrets[0] as string);
      const answer = await new Client(node.url).post(`${node.url}/webhooks/whop`, body, headers);
      expectProblem(answer, 400, 'malformed_request');
    }
    expect(await bench.inbox()).toEqual([]);
  });

  const event = (fields: object = {}, type = 'membership.activated') =>
    JSON.stringify({ type, data: { id: 'mem_1', status: 'active', ...fields } });
  const LONG = 'x'.repeat(8_000);
  it.each<[what: string, body: string | Buffer, id?: string]>([
    ['a webhook id of 8,000 characters', event(), LONG],
    ['a membership id of 8,000 characters', event({ id: LONG })],
    ['a user id of 8,000 characters', event({ user: { id: LONG } })],
    ['a payment id of 8,000 characters', event({ id: LONG }, 'payment.succeeded')],
    ['a type of 8,000 characters', event({}, `membership.${LONG}`)],
    ['a NUL in the type', event({}, 'membership.\0activated')],
    ['a lone surrogate in the type', event({}, 'membership.\ud800')],
    ['a line break in the type', event({}, 'membership.activated\nx')],
    [
      'JSON that is nested 400,000 levels deep',
      `${event().slice(0, -1)},"x":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
    ],
    ['JSON that is nested 101 levels deep', `${event().slice(0, -1)},"x":${'['.repeat(101)}${']'.repeat(101)}}`],
    ['bad UTF-8', Buffer.concat([Buffer.from(event().slice(0, -1)), Buffer.from([0xc3, 0x28]), Buffer.from('}')])],
    ['bad UTF-8 in a string', Buffer.from(event({ email: 'a@b.cd\u00e9' }), 'latin1')],
    ['an UTF-8 byte order mark', `\ufeff${event()}`],
  ])('rejects a signed request with %s with 400 and stays usable', async (_what, body, id = 'msg_unusable') => {
    const { whop, node } = bench;
    const signature = sign(body, id, whop.config.webhookSecrets[0] as string);
    const { status, headers, body: problem } = await postBytes(`${node.url}/webhooks/whop`, body, signature);
    expectProblem({ status, headers, text: JSON.stringify(problem), body: problem }, 400, 'malformed_request');
    expect(await bench.inbox()).toEqual([]);
    const membership = whop.buy('plan_pro');
    await deliverLast();
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'pro', claims: 1 });
  });

  it('stores an event with text that this service does not use, such as a NUL in a name', async () => {
    const { whop, node } = bench;
    const body = event({
      id: whop.buy('plan_pro').id,
      user: { id: 'user_1', name: 'a\0b' },
      created_at: 1e300,
      email: LONG,
    });
    const signature = sign(body, 'msg_odd', whop.config.webhookSecrets[0] as string);
    expect((await postBytes(`${node.url}/webhooks/whop`, body, signature)).status).toBe(200);
    await bench.settled();
    expect(await bench.inbox()).toMatchObject([{ webhook_id: 'msg_odd', done: true }]);
  });

  it('stores an irrelevant event as ignored and does not process it', async () => {
    const { whop } = bench;
    whop.buy('plan_pro');
    whop.calls.length = 0;
    expect(await whop.deliver({ ...last(), type: 'invoice.created' })).toBe(200);
    await bench.settled();
    expect(await bench.inbox()).toMatchObject([{ type: 'invoice.created', ignored: true, done: false, attempts: 0 }]);
    expect(whop.calls).toEqual([]);
  });

  it('processes an event once, however often it is delivered', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    const delivered = await Promise.all(Array.from({ length: 100 }, () => whop.deliver(last())));
    expect(delivered).toEqual(Array(100).fill(200));
    await bench.settled();
    expect(await bench.inbox()).toMatchObject([{ deliveries: 100, done: true }]);
    expect(await bench.account(userOf(membership))).toMatchObject({ claims: 1, memberships: [{ id: membership.id }] });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
    const { rows } = await bench.sql.query('select from users where whop_user_id = $1', [userOf(membership)]);
    expect(rows).toHaveLength(1);
    whop.calls.length = 0;
    await deliverLast();
    expect(whop.calls).toEqual([]);
  });

  it('creates one account for a hundred concurrent events about one customer', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    const events = Array.from({ length: 100 }, (_, n) => ({ ...last(), id: `msg_many_${n}` }));
    await Promise.all(events.map((event) => whop.deliver(event)));
    await bench.settled();
    expect((await bench.inbox()).filter(({ done }) => done)).toHaveLength(100);
    expect(await bench.account(userOf(membership))).toMatchObject({ claims: 1, plan: 'pro' });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it("accepts every version of Whop's format", async () => {
    const { whop } = bench;
    for (const shape of ['v1', 'dated', 'v5'] as const) {
      whop.shape = shape;
      const membership = whop.buy('plan_starter');
      await deliverLast();
      const account = { plan: 'starter', email: membership.person?.email, claims: 1 };
      expect(await bench.account(userOf(membership)), shape).toMatchObject(account);
    }
  });

  it('accepts the legacy format when it is enabled, each delivery as an event of its own', async () => {
    const own = await openBillingFixture({ whop: { legacySignatures: true } });
    own.whop.shape = 'sketch';
    const membership = own.whop.buy('plan_starter');
    const event = own.whop.events.at(-1) as WhopEvent;
    for (const status of [200, 200]) expect(await own.whop.deliver(event)).toBe(status);
    await own.settled();
    expect(await own.inbox()).toMatchObject([
      { deliveries: 1, done: true },
      { deliveries: 1, done: true },
    ]);
    expect(await own.account(userOf(membership))).toMatchObject({ plan: 'starter', claims: 1 });
    await own.close();
  });

  it('responds with 404 when billing is off, and with 401 without a webhook secret', async () => {
    const { whop } = bench;
    whop.buy('plan_pro');
    const here = whop.webhookUrl;
    const shop = await startTestService();
    whop.webhookUrl = `${shop.url}/webhooks/whop`;
    expect(await whop.deliver(last())).toBe(404);
    await shop.stop();
    const open = await startTestService({ whop: { ...whop.config, webhookSecrets: [] } });
    whop.webhookUrl = `${open.url}/webhooks/whop`;
    expect(await whop.deliver(last())).toBe(401);
    expect(await whop.deliver(last(), { secret: '' })).toBe(401);
    await open.stop();
    whop.webhookUrl = here;
  });

  it('limits unsigned requests per client IP, but never signed ones', async () => {
    const { whop } = bench;
    const node = await startTestService({ whop: whop.config, requestsPerIp: 5 });
    const here = whop.webhookUrl;
    whop.webhookUrl = `${node.url}/webhooks/whop`;
    whop.buy('plan_pro');
    const forged = [];
    for (let n = 0; n < 7; n++) forged.push(await whop.deliver(last(), { secret: 'ws_wrong' }));
    expect(forged).toEqual([401, 401, 401, 401, 401, 429, 429]);
    for (let n = 0; n < 10; n++) expect(await whop.deliver({ ...last(), id: `msg_limit_${n}` })).toBe(200);
    await node.stop();
    whop.webhookUrl = here;
  });

  it('responds with 503 while the database is unavailable, and accepts the next delivery', async () => {
    const { whop, node, sql } = bench;
    whop.buy('plan_pro');
    await sql.query('begin');
    await sql.query('lock table webhook_inbox in access exclusive mode');
    const delivery = whop.deliver(last());
    const waiting = `select pid from pg_stat_activity where query like '%webhook_inbox as w%' and wait_event_type = 'Lock'
      and datname = current_database()`;
    await vi.waitUntil(async () => (await node.service.database.owner.query(waiting)).rowCount);
    await node.service.database.owner.query(`select pg_terminate_backend(pid) from (${waiting}) w`);
    expect(await delivery).toBe(503);
    await sql.query('rollback');
    expect(await bench.inbox()).toEqual([]);
    await deliverLast();
    expect(await bench.inbox()).toMatchObject([{ done: true }]);
  });

  it('rejects a body beyond the size limit before it is read', async () => {
    const { node } = bench;
    const answer = await new Client(node.url).post(`${node.url}/webhooks/whop`, 'x'.repeat(1_100_000));
    expectProblem(answer, 413, 'body_too_large');
  });
});

describe('webhook whose processing fails', () => {
  it('is applied as it describes the membership while Whop is unavailable, and retried until Whop confirms it', async () => {
    const { whop } = bench;
    whop.faults = { status: 500 };
    const membership = whop.buy('plan_pro');
    expect(await whop.deliver(last())).toBe(200);
    await vi.waitUntil(async () => (await bench.inbox())[0]?.last_error, { timeout: 20_000 });
    expect(await bench.inbox()).toMatchObject([{ done: false, last_error: "Whop's API responded with 500" }]);
    expect(await bench.account(userOf(membership))).toMatchObject({
      plan: 'pro',
      claims: 1,
      memberships: [{ confirmed: false }],
    });
    whop.faults = {};
    await bench.settled({ hurry: true });
    expect(await bench.inbox()).toMatchObject([{ done: true, last_error: null }]);
    expect(await bench.account(userOf(membership))).toMatchObject({ claims: 1, memberships: [{ confirmed: true }] });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it('becomes a dead letter, and is processed when it is delivered again', async () => {
    const { whop, sql } = bench;
    whop.faults = { status: 404 };
    const membership = whop.buy('plan_pro');
    expect(await whop.deliver(last())).toBe(200);
    await bench.settled({ hurry: true });
    expect(await bench.inbox()).toMatchObject([{ done: false, attempts: WEBHOOK_ATTEMPTS_MAX }]);
    const { rows } = await sql.query('select attempts = max_attempts as dead from graphile_worker._private_jobs');
    expect(rows).toEqual([{ dead: true }]);
    expect(await bench.account(userOf(membership))).toBeUndefined();
    whop.faults = {};
    await deliverLast();
    expect(await bench.inbox()).toMatchObject([{ done: true, deliveries: 2 }]);
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'pro', claims: 1 });
  });

  it('is not applied while Whop is unavailable when it is older than the stored state', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    const bought = last();
    await deliverLast();
    whop.end(membership);
    await deliverLast();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only' });
    whop.faults = { status: 503 };
    await whop.deliver({ ...bought, id: 'msg_late' });
    await vi.waitUntil(async () => (await bench.inbox()).some(({ last_error }) => last_error), { timeout: 20_000 });
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only' });
    whop.faults = {};
    await bench.settled({ hurry: true });
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only' });
  });
});
