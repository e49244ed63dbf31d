import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purgeAccount } from '../../../api/accounts/purge.ts';
import { openBilling } from '../../../api/billing/billing.ts';
import { syncMembership } from '../../../api/billing/membership.ts';
import { reconcile } from '../../../api/billing/reconcile.ts';
import { createLog } from '../../../api/observability/log.ts';
import type { Membership } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';

let bench: BillingFixture;

beforeAll(async () => {
  bench = await openBillingFixture();
});
afterAll(() => bench.close());

const userOf = ({ person }: Membership) => person?.id;

/** Delivers the new events, oldest first unless `order` changes it, and waits until they are processed. */
async function deliverEvents(order: <T>(events: T[]) => T[] = (events) => events): Promise<void> {
  for (const event of order(bench.whop.events.splice(0))) expect(await bench.whop.deliver(event)).toBe(200);
  await bench.settled();
}

/** Drops the new events, as if their webhooks were lost. */
function loseEvents(): void {
  bench.whop.events.length = 0;
}

/** Runs the nightly reconciliation and returns its result and log lines. */
async function runReconciliation() {
  const lines: Record<string, unknown>[] = [];
  const counted: string[] = [];
  const keep = (fields: unknown, text?: string) => lines.push({ ...(fields as object), text });
  const log = { ...createLog({ level: 'silent', pretty: false }), warn: keep, error: keep, info: () => undefined };
  const { database } = bench.node.service;
  const clock = { now: () => new Date(), newId: () => uuidv7() };
  const billing = openBilling(bench.whop.config, {
    ...clock,
    database,
    publicUrl: () => bench.node.url,
    log: log as never,
    metrics: { repaired: (field) => counted.push(field), webhookRejected: () => undefined },
  });
  if (!billing) throw new Error('billing is off');
  return { billing, lines, counted, found: await reconcile(billing) };
}

describe('purchase', () => {
  it('creates an account of its tier with an activation link, a welcome e-mail and no key', async () => {
    const membership = bench.whop.buy('plan_pro');
    await deliverEvents();
    const { id, ...account } = (await bench.account(userOf(membership))) ?? { id: '' };
    expect(account).toEqual({
      email: membership.person?.email,
      plan: 'pro',
      status: 'active',
      memberships: [{ id: membership.id, status: 'active', tier: 'pro', confirmed: true }],
      claims: 1,
      keys: 0,
    });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
    const { rows } = await bench.sql.query('select actor, action, details from audit_log where user_id = $1', [id]);
    expect(rows).toEqual([{ actor: 'whop', action: 'users.create', details: { plan: 'pro' } }]);
  });

  it('without an e-mail address creates the account, and sends the welcome when an event contains the address', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro', { person: whop.person({ email: null }) });
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ email: null, plan: 'pro', claims: 0 });
    Object.assign(membership.person ?? {}, { email: 'late@example.com' });
    whop.switchPlan(membership, 'plan_pro');
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ email: 'late@example.com', claims: 1 });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it('by two people with one e-mail address creates two accounts', async () => {
    const { whop } = bench;
    const bought = [1, 2].map(() => whop.buy('plan_starter', { person: whop.person({ email: 'shared@example.com' }) }));
    await deliverEvents();
    const accounts = await Promise.all(bought.map((membership) => bench.account(userOf(membership))));
    expect(new Set(accounts.map((account) => account?.id)).size).toBe(2);
    for (const account of accounts) expect(account).toMatchObject({ email: 'shared@example.com', claims: 1 });
  });

  it('of a plan that is not in WHOP_PLANS grants the lowest tier and logs an error', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_unheard_of');
    loseEvents();
    const { lines } = await runReconciliation();
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'free', status: 'active', claims: 1 });
    expect(lines).toContainEqual(
      expect.objectContaining({
        membership_id: membership.id,
        whop_plan: 'plan_unheard_of',
        text: 'the Whop plan is not listed in WHOP_PLANS',
      }),
    );
  });

  it("of a plan that is not in WHOP_PLANS grants the tier in the plan's metadata", async () => {
    const membership = bench.whop.buy('plan_new', { planMetadata: { tier: 'enterprise' } });
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'enterprise' });
  });

  it('that was never paid or has already ended creates no account', async () => {
    const { whop } = bench;
    const drafted = whop.buy('plan_pro', { status: 'drafted' });
    const over = whop.buy('plan_pro');
    whop.end(over);
    await deliverEvents();
    for (const membership of [drafted, over]) expect(await bench.account(userOf(membership))).toBeUndefined();
  });

  it('by a deleted Whop user creates no account and leaves an existing one active', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    const userId = userOf(membership);
    await deliverEvents();
    whop.change(membership, { person: null });
    whop.switchPlan(membership, 'plan_starter');
    await deliverEvents();
    expect(await bench.account(userId)).toMatchObject({ plan: 'starter', status: 'active' });
    const unknown = whop.buy('plan_pro');
    whop.change(unknown, { person: null });
    await deliverEvents();
    expect((await bench.inbox()).every(({ done }) => done)).toBe(true);
  });
});

describe('membership', () => {
  it("is applied as Whop's API returns it, whatever the order of the events", async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    whop.end(membership);
    whop.resume(membership);
    await deliverEvents((events) => events.toReversed());
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'active', plan: 'pro', claims: 1 });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it('that changes its plan changes the account immediately, up and down, with an e-mail each', async () => {
    const { whop, node } = bench;
    const membership = whop.buy('plan_starter');
    await deliverEvents();
    for (const plan of ['pro', 'free']) {
      whop.switchPlan(membership, `plan_${plan}`);
      await deliverEvents();
      expect(await bench.account(userOf(membership))).toMatchObject({ plan });
    }
    expect(await bench.mails(userOf(membership))).toEqual(['welcome', 'plan_changed', 'plan_changed']);
    const { rows } = await node.service.database.owner.query(
      `select details from audit_log a join users u on u.id = a.user_id where whop_user_id = $1 and action = 'users.set_plan' order by at`,
      [userOf(membership)],
    );
    expect(rows.map(({ details }) => details)).toEqual([
      { from: 'starter', to: 'pro' },
      { from: 'pro', to: 'free' },
    ]);
  });

  it('that is canceled at the end of its period keeps its access, and sends one e-mail with the date', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    whop.change(membership, { periodEnd: new Date('2031-05-17T08:09:00Z') });
    await deliverEvents();
    whop.cancelAtPeriodEnd(membership);
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'active', plan: 'pro' });
    whop.switchPlan(membership, 'plan_pro');
    await deliverEvents();
    expect((await bench.mails(userOf(membership))).filter((mail) => mail === 'cancellation')).toHaveLength(1);
    const { rows } = await bench.sql.query(
      `select o.id from outbox o join users u on u.id = o.user_id where whop_user_id = $1 and template = 'cancellation'`,
      [userOf(membership)],
    );
    const mail = await readFile(join(bench.node.dataDir, 'outbox', `${rows[0].id}.eml`), 'utf8');
    expect(mail.replaceAll('=\r\n', '')).toMatch(/Nothing changes until \D*17\D.*2031/);
  });

  it('whose payment fails keeps its access, and sends one e-mail however often Whop retries', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    for (let n = 0; n < 3; n++) whop.failPayment(membership);
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'active', plan: 'pro' });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome', 'payment_failed']);
  });

  it('that ends makes the account read-only until a new purchase', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    whop.end(membership);
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only', plan: 'pro' });
    whop.buy('plan_starter', { person: membership.person as never });
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'active', plan: 'starter', claims: 1 });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome', 'cancellation', 'welcome_back']);
  });

  it('among several grants the highest tier until the last one ends', async () => {
    const { whop } = bench;
    const person = whop.person();
    const [starter, pro] = [whop.buy('plan_starter', { person }), whop.buy('plan_pro', { person })];
    await deliverEvents();
    expect(await bench.account(person.id)).toMatchObject({ plan: 'pro', claims: 1 });
    whop.end(pro);
    await deliverEvents();
    expect(await bench.account(person.id)).toMatchObject({ plan: 'starter', status: 'active' });
    whop.end(starter, 'expired');
    await deliverEvents();
    expect(await bench.account(person.id)).toMatchObject({ status: 'read_only' });
  });

  it('that is partly refunded stays active', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    whop.refundHalf(membership);
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'active', plan: 'pro' });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it('with an unknown status grants no access and logs an error', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    whop.change(membership, { status: 'hibernating' });
    const { lines } = await runReconciliation();
    expect(lines).toContainEqual(
      expect.objectContaining({ status: 'hibernating', text: 'an unknown membership status, which grants no access' }),
    );
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only' });
  });

  it('that is transferred ends for the former customer and starts for the new one', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    const [former, later] = [userOf(membership), whop.person()];
    await deliverEvents();
    whop.change(membership, { person: later });
    whop.switchPlan(membership, 'plan_pro');
    await deliverEvents();
    expect(await bench.account(former)).toMatchObject({ status: 'read_only', memberships: [] });
    expect(await bench.account(later.id)).toMatchObject({ status: 'active', plan: 'pro', claims: 1 });
  });

  it('keeps the response to the latest request when responses arrive out of order', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    const { billing } = await runReconciliation();
    whop.faults = { delayMs: 400 };
    const early = { ...billing.whop };
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let go: () => void = () => undefined;
    const goes = new Promise<void>((resolve) => {
      go = resolve;
    });
    early.membership = async (id) => {
      const answer = await billing.whop.membership(id);
      asked();
      await goes;
      return answer;
    };
    const slow = syncMembership({ ...billing, whop: early }, membership.id);
    await isAsked;
    whop.faults = {};
    whop.end(membership);
    await deliverEvents();
    go();
    await slow;
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'read_only' });
  });
});

describe('account', () => {
  it('without a purchase is not changed by the reconciliation', async () => {
    const user = await bench.node.newUser({ plan: 'starter' });
    await runReconciliation();
    expect((await user.api.get('/user/me')).body).toMatchObject({ plan: 'starter', status: 'active' });
  });

  it('that is being closed gets no e-mails about plans and is not reopened by a payment', async () => {
    const { whop, sql } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    const { id } = (await bench.account(userOf(membership))) ?? {};
    await sql.query("update users set status = 'closing', closing_since = now() where id = $1", [id]);
    whop.switchPlan(membership, 'plan_enterprise');
    whop.end(membership);
    whop.resume(membership);
    await deliverEvents();
    expect(await bench.account(userOf(membership))).toMatchObject({ status: 'closing' });
    expect(await bench.mails(userOf(membership))).toEqual(['welcome']);
  });

  it('that was deleted on request is created again only when the customer signs in', async () => {
    const { whop, node, sql } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    const { id } = (await bench.account(userOf(membership))) ?? { id: '' };
    await sql.query(
      "update users set status = 'deleted', closing_since = now(), purge_at = now() - interval '1 day' where id = $1",
      [id],
    );
    const clock = { now: () => new Date(), newId: () => uuidv7() };
    expect(await purgeAccount(node.service.database, clock, async () => false, id)).toBe('purged');
    whop.switchPlan(membership, 'plan_enterprise');
    await deliverEvents();
    const { billing } = await runReconciliation();
    expect(await bench.account(userOf(membership))).toBeUndefined();
    await syncMembership(billing, membership.id, { inPerson: true });
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'enterprise', claims: 1 });
    expect((await runReconciliation()).found.differences).toBe(0);
  });
});

describe('nightly reconciliation', () => {
  it('repairs all differences with a log line each, and finds none the next time', async () => {
    const { whop } = bench;
    const known = [whop.buy('plan_pro'), whop.buy('plan_pro'), whop.buy('plan_starter')] as const;
    await deliverEvents();
    const bought = whop.buy('plan_pro');
    const [ended, cancelled, switched] = known;
    whop.end(ended);
    whop.cancelAtPeriodEnd(cancelled);
    whop.switchPlan(switched, 'plan_enterprise');
    loseEvents();
    const { found, lines, counted } = await runReconciliation();
    expect(await bench.account(userOf(bought))).toMatchObject({ plan: 'pro', claims: 1 });
    expect(await bench.account(userOf(ended))).toMatchObject({ status: 'read_only' });
    expect(await bench.account(userOf(cancelled))).toMatchObject({ status: 'active' });
    expect(await bench.account(userOf(switched))).toMatchObject({ plan: 'enterprise' });
    const repaired = lines.filter(({ text }) => text === 'an account differed from Whop and was repaired');
    expect(counted.toSorted()).toEqual(repaired.map(({ what }) => what).toSorted());
    const of = ({ id }: Membership) =>
      repaired.filter((line) => line.membership_id === id).map(({ what, from, to }) => ({ what, from, to }));
    expect(of(bought)).toEqual([
      { what: 'membership', from: null, to: 'active' },
      { what: 'account', from: null, to: 'pro' },
    ]);
    expect(of(ended)).toEqual([
      { what: 'membership', from: 'active', to: 'canceled' },
      { what: 'account', from: 'active', to: 'read_only' },
    ]);
    expect(of(cancelled)).toEqual([{ what: 'cancellation', from: 'none', to: 'at period end' }]);
    expect(of(switched)).toEqual([{ what: 'plan', from: 'starter', to: 'enterprise' }]);
    expect(found).toMatchObject({ differences: repaired.length, failed: 0 });
    expect((await runReconciliation()).found).toEqual({ ...found, id: expect.any(String), differences: 0 });
  });

  it('reverts a manual change of the plan of a paid account', async () => {
    const { whop, sql } = bench;
    const membership = whop.buy('plan_pro');
    await deliverEvents();
    await sql.query("update users set plan = 'free' where whop_user_id = $1", [userOf(membership)]);
    await runReconciliation();
    expect(await bench.account(userOf(membership))).toMatchObject({ plan: 'pro' });
  });

  it('fetches all pages of the list, and each membership that is missing in it', async () => {
    const { whop } = bench;
    const many = Array.from({ length: 230 }, () => whop.buy('plan_free', { person: whop.person({ email: null }) }));
    const gone = whop.buy('plan_pro');
    await deliverEvents((events) => events.slice(-1));
    loseEvents();
    whop.memberships.delete(gone.id);
    whop.calls.length = 0;
    const { found, lines } = await runReconciliation();
    expect(found).toMatchObject({ memberships: whop.memberships.size, failed: 1 });
    expect(whop.calls.filter((call) => call === 'GET /memberships').length).toBe(
      Math.ceil(whop.memberships.size / 100),
    );
    const last = many[0] as Membership;
    expect(await bench.account(userOf(last))).toMatchObject({ plan: 'free', status: 'active' });
    // A membership that Whop's list omits stays active: the API key may lack permissions.
    expect(await bench.account(userOf(gone))).toMatchObject({ status: 'active', plan: 'pro' });
    expect(lines).toContainEqual(
      expect.objectContaining({ membership_id: gone.id, text: 'a membership could not be compared with Whop' }),
    );
    bench.whop.memberships.set(gone.id, gone);
  }, 60_000);

  it('runs when the service starts', async () => {
    const { whop } = bench;
    const shop = await openBillingFixture({ whop: whop.config });
    const { rows } = await shop.sql.query('select count(*)::int as count from users where whop_user_id is not null');
    expect(rows[0].count).toBeGreaterThan(200);
    await shop.close();
  }, 60_000);
});
