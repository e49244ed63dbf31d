import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { close } from '../../../api/accounts/lifecycle.ts';
import type { Caller } from '../../../api/context.ts';
import type { Membership } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

let bench: BillingFixture;

beforeAll(async () => {
  bench = await openBillingFixture();
});
afterAll(() => bench.close());
afterEach(() => {
  bench.whop.faults = {};
});

const statusOf = async ({ person }: Membership) => (await bench.account(person?.id))?.status;

async function deliverEvents(): Promise<void> {
  for (const event of bench.whop.events.splice(0)) expect(await bench.whop.deliver(event)).toBe(200);
  await bench.settled();
}

/** Creates an account whose plan ended thirty days ago and whose owner was warned. */
async function newDue(): Promise<Membership> {
  const membership = bench.whop.buy('plan_pro');
  await deliverEvents();
  bench.whop.end(membership);
  await deliverEvents();
  expect(await statusOf(membership)).toBe('read_only');
  await bench.sql.query(
    `update users set purge_at = now() - interval '1 minute', purge_warning = 1 where whop_user_id = $1`,
    [membership.person?.id],
  );
  return membership;
}

/** Runs the hourly job. */
async function purgeDueAccounts(): Promise<void> {
  await bench.sql.query("select graphile_worker.add_job('purge_due_accounts')");
  await bench.settled();
}

describe('account that its owner deleted while its plan is paid', () => {
  it('is purged without a request to Whop, and later events and lists create no new account', async () => {
    const membership = bench.whop.buy('plan_pro');
    await deliverEvents();
    const { id = '' } = (await bench.account(membership.person?.id)) ?? {};
    const { database } = bench.node.service;
    const caller = { userId: id, keyId: uuidv7() } as Caller;
    bench.whop.calls.length = 0;
    await database.ownerWrite((sql) => {
      const context = { sql, now: () => new Date(), newId: () => uuidv7() };
      return close(context, caller, { confirm: id, immediate: true });
    });
    await vi.waitFor(async () => expect(await bench.account(membership.person?.id)).toBeUndefined(), {
      timeout: 20_000,
    });
    await bench.settled();
    expect(bench.whop.calls).toEqual([]);

    bench.whop.switchPlan(membership, 'plan_starter');
    await deliverEvents();
    await bench.sql.query("select graphile_worker.add_job('reconcile_memberships')");
    await bench.settled();
    expect(bench.whop.calls.length).toBeGreaterThan(0);
    expect(await bench.account(membership.person?.id)).toBeUndefined();
  });
});

describe('account that is due to be purged', () => {
  it('is purged when Whop confirms that its plan has ended', async () => {
    const membership = await newDue();
    bench.whop.calls.length = 0;
    await purgeDueAccounts();
    expect(bench.whop.calls).toEqual([`GET /memberships/${membership.id}`]);
    expect(await statusOf(membership)).toBeUndefined();
  });

  it('is reactivated with all data when Whop reports a plan whose webhook was lost', async () => {
    const membership = await newDue();
    bench.whop.resume(membership);
    bench.whop.events.length = 0;
    await purgeDueAccounts();
    expect(await bench.account(membership.person?.id)).toMatchObject({ status: 'active', plan: 'pro', claims: 1 });
    const { rows } = await bench.sql.query('select purge_at from users where whop_user_id = $1', [
      membership.person?.id,
    ]);
    expect(rows).toEqual([{ purge_at: null }]);
  });

  it('is kept while Whop is unavailable, and purged afterwards', async () => {
    const membership = await newDue();
    bench.whop.faults = { status: 500 };
    await purgeDueAccounts();
    expect(await statusOf(membership)).toBe('read_only');
    bench.whop.faults = {};
    await purgeDueAccounts();
    expect(await statusOf(membership)).toBeUndefined();
  });

  it('is purged when Whop no longer has the membership', async () => {
    const membership = await newDue();
    bench.whop.memberships.delete(membership.id);
    await purgeDueAccounts();
    expect(await statusOf(membership)).toBeUndefined();
  });
});
