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

async function tell(): Promise<void> {
  for (const event of bench.whop.events.splice(0)) expect(await bench.whop.deliver(event)).toBe(200);
  await bench.settled();
}

/** Somebody whose plan ended thirty days ago, and who was warned. */
async function newDue(): Promise<Membership> {
  const membership = bench.whop.buy('plan_pro');
  await tell();
  bench.whop.end(membership);
  await tell();
  expect(await statusOf(membership)).toBe('read_only');
  await bench.sql.query(
    `update users set purge_at = now() - interval '1 minute', purge_warning = 1 where whop_user_id = $1`,
    [membership.person?.id],
  );
  return membership;
}

/** The hourly job. */
async function endAccounts(): Promise<void> {
  await bench.sql.query("select graphile_worker.add_job('purge_due_accounts')");
  await bench.settled();
}

describe('an account that its owner deleted, though it is paid for', () => {
  it('is purged without asking Whop, and what Whop tells or lists later makes no new one', async () => {
    const membership = bench.whop.buy('plan_pro');
    await tell();
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
    await tell();
    await bench.sql.query("select graphile_worker.add_job('reconcile_memberships')");
    await bench.settled();
    expect(bench.whop.calls.length).toBeGreaterThan(0);
    expect(await bench.account(membership.person?.id)).toBeUndefined();
  });
});

describe('an account that is due to be purged', () => {
  it('is purged when Whop says that its plan has ended', async () => {
    const membership = await newDue();
    bench.whop.calls.length = 0;
    await endAccounts();
    expect(bench.whop.calls).toEqual([`GET /memberships/${membership.id}`]);
    expect(await statusOf(membership)).toBeUndefined();
  });

  it('is reactivated with all it held when Whop says otherwise, whose webhook was lost', async () => {
    const membership = await newDue();
    bench.whop.resume(membership);
    bench.whop.events.length = 0;
    await endAccounts();
    expect(await bench.account(membership.person?.id)).toMatchObject({ status: 'active', plan: 'pro', claims: 1 });
    const { rows } = await bench.sql.query('select purge_at from users where whop_user_id = $1', [
      membership.person?.id,
    ]);
    expect(rows).toEqual([{ purge_at: null }]);
  });

  it('is kept while Whop cannot be asked, and purged once it can', async () => {
    const membership = await newDue();
    bench.whop.faults = { status: 500 };
    await endAccounts();
    expect(await statusOf(membership)).toBe('read_only');
    bench.whop.faults = {};
    await endAccounts();
    expect(await statusOf(membership)).toBeUndefined();
  });

  it('is purged when Whop no longer knows the membership', async () => {
    const membership = await newDue();
    bench.whop.memberships.delete(membership.id);
    await endAccounts();
    expect(await statusOf(membership)).toBeUndefined();
  });
});
