import { afterAll, beforeAll, expect, it } from 'vitest';
import { WEBHOOK_ATTEMPTS_MAX } from '../../db/queries/billing/webhook-inbox.ts';
import type { WhopEvent } from '../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../support/billing-fixture.ts';
import type { Json } from '../support/client.ts';
import { runScript } from '../support/run-script.ts';

let bench: BillingFixture;

beforeAll(async () => {
  bench = await openBillingFixture();
});
afterAll(() => bench.close());

function run(...args: string[]) {
  const { apiKey, apiUrl, plans } = bench.whop.config;
  return runScript('scripts/admin.ts', args, {
    DATABASE_URL: bench.node.databaseUrl,
    WHOP_API_KEY: apiKey ?? '',
    WHOP_API_URL: apiUrl,
    WHOP_PLANS: Object.entries(plans)
      .map(([id, plan]) => `${id}=${plan}`)
      .join(','),
  });
}

async function admin(...args: string[]): Promise<Json> {
  const { code, stdout, stderr } = await run('webhooks', ...args, '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

it('npm run admin webhooks › lists, shows and replays webhooks', async () => {
  const { whop } = bench;
  const good = whop.buy('plan_pro');
  const done = whop.events.at(-1) as WhopEvent;
  await whop.deliver(done);
  await whop.deliver({ ...done, id: 'msg_ignored', type: 'invoice.created' });
  await bench.settled();
  const stuck = whop.buy('plan_pro');
  const dead = whop.events.at(-1) as WhopEvent;
  whop.faults = { status: 404 };
  await whop.deliver(dead);
  await bench.settled({ hurry: true });

  const states = (rows: Json[]) => Object.fromEntries(rows.map(({ webhook_id, state }) => [webhook_id, state]));
  expect(states(await admin('list'))).toEqual({ [done.id]: 'processed', msg_ignored: 'ignored', [dead.id]: 'dead' });
  expect(await admin('list', '--state', 'dead')).toMatchObject([
    {
      webhook_id: dead.id,
      attempts: WEBHOOK_ATTEMPTS_MAX,
      last_error: "Whop's API responded with 404 (internal_error)",
    },
  ]);
  const shown = await admin('show', '--webhook', dead.id);
  expect(shown).toMatchObject({ type: 'membership.activated', payload: { data: { id: stuck.id } } });

  // The replay fails too: the webhook stays a dead letter.
  expect(await admin('replay', '--webhook', dead.id)).toEqual({ webhook_id: dead.id, replayed: true });
  await bench.settled({ hurry: true });
  expect(await admin('list', '--state', 'dead')).toMatchObject([{ attempts: 2 * WEBHOOK_ATTEMPTS_MAX }]);

  whop.faults = {};
  await admin('replay', '--webhook', dead.id);
  await bench.settled();
  expect(await admin('list', '--state', 'dead')).toEqual([]);
  expect(await bench.account(stuck.person?.id)).toMatchObject({ plan: 'pro', claims: 1 });

  whop.calls.length = 0;
  expect(await admin('replay', '--webhook', done.id)).toMatchObject({ replayed: false });
  await bench.settled();
  expect(whop.calls).toEqual([]);
  expect(await bench.mails(good.person?.id)).toEqual(['welcome']);
}, 120_000);

it('npm run admin webhooks › reports a webhook that does not exist', async () => {
  const { code, stderr } = await run('webhooks', 'show', '--webhook', 'msg_x');
  expect([code, stderr]).toEqual([1, 'There is no webhook msg_x.\n']);
});

it('npm run admin reconcile › repairs what webhooks did not report, and a returning customer gets an e-mail', async () => {
  const { whop } = bench;
  const returning = whop.buy('plan_pro');
  await whop.deliver(whop.events.at(-1) as WhopEvent);
  await bench.settled();
  whop.end(returning);
  await whop.deliver(whop.events.at(-1) as WhopEvent);
  await bench.settled();
  expect(await bench.account(returning.person?.id)).toMatchObject({ status: 'read_only' });
  whop.resume(returning);
  const unknown = whop.buy('plan_pro');

  const { code, stdout, stderr } = await run('reconcile', '--json');
  expect(code, stderr).toBe(0);
  const { repaired, ...counts } = JSON.parse(stdout);
  expect(counts).toMatchObject({ differences: repaired.length, failed: 0 });
  const of = (id: string) =>
    repaired
      .filter((row: Json) => row.membership_id === id)
      .map(({ what, value_before, value_after }: Json) => [what, value_before, value_after].join(' '))
      .sort();
  expect(of(returning.id)).toEqual([
    expect.stringMatching(/^account read_only active$/),
    expect.stringMatching(/^membership .* active$/),
  ]);
  expect(of(unknown.id)).toContain('membership  active');
  expect(await bench.account(unknown.person?.id)).toMatchObject({ plan: 'pro', status: 'active' });
  await bench.settled();
  expect(await bench.mails(returning.person?.id)).toEqual(['welcome', 'cancellation', 'welcome_back']);
  expect(JSON.parse((await run('reconcile', '--json')).stdout)).toMatchObject({ differences: 0, repaired: [] });
}, 120_000);
