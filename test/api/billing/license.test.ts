import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLicenseCheck, LICENSE_CACHE_SECONDS } from '../../../api/billing/license-check.ts';
import { createWhopClient, WhopError } from '../../../api/billing/whop-client.ts';
import type { Membership, WhopEvent } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';
import type { Json } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import type { TestUser } from '../../support/service.ts';

let bench: BillingFixture;
let ann: TestUser;
let bob: TestUser;
let bought: Membership;

beforeAll(async () => {
  bench = await openBillingFixture();
  [ann, bob] = await Promise.all([bench.node.newUser(), bench.node.newUser()]);
  bought = bench.whop.buy('plan_pro');
  // Ann is the customer before the webhook arrives.
  await bench.sql.query('update users set whop_user_id = $2 where id = $1', [ann.userId, bought.person?.id]);
  await bench.whop.deliver(bench.whop.events.at(-1) as WhopEvent);
  await bench.settled();
});
afterAll(() => bench.close());
afterEach(() => {
  bench.whop.faults = {};
});

const check = (user: TestUser, license_key: unknown): Promise<Json> =>
  user.api.post('/license/validate', { license_key });

const UNKNOWN = {
  valid: false,
  status: null,
  plan: null,
  membership_id: null,
  period_end: null,
  cancel_at_period_end: false,
  as_of: null,
};

describe('POST /license/validate', () => {
  it("returns the state of one of the caller's licenses by its key or membership id", async () => {
    for (const given of [bought.licenseKey, bought.id]) {
      const { status, body } = await check(ann, given);
      expect(status).toBe(200);
      expect(body).toEqual({
        valid: true,
        status: 'active',
        plan: 'pro',
        membership_id: bought.id,
        period_end: bought.periodEnd?.toISOString(),
        cancel_at_period_end: false,
        as_of: expect.any(String),
      });
    }
  });

  it("returns the same for another user's license as for one that does not exist, without a request to Whop", async () => {
    bench.whop.calls.length = 0;
    for (const [user, given] of [
      [bob, bought.licenseKey],
      [bob, bought.id],
      [ann, 'WM-none'],
      [ann, '../payments/pay_1'],
    ] as const) {
      const { status, body } = await check(user, given);
      expect([status, body]).toEqual([200, UNKNOWN]);
    }
    expect(bench.whop.calls).toEqual([]);
  });

  it('returns the last known state and its time while Whop is unavailable', async () => {
    const { whop, sql } = bench;
    const node = await openBillingFixture({ databaseUrl: bench.node.databaseUrl, jobs: false });
    node.whop.faults = { status: 503 };
    await sql.query("update memberships set read_at = '2026-11-02T09:45:30Z' where id = $1", [bought.id]);
    const response = await fetch(`${node.node.url}/api/v1/license/validate`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ann.apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ license_key: bought.id }),
    });
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ valid: true, plan: 'pro', as_of: '2026-11-02T09:45:30.000Z' }),
    ]);
    await node.close();
    whop.faults = {};
  });

  it('requires the scope account:read and a license key', async () => {
    const narrow = await ann.api.post('/user/keys', { name: 'narrow', scopes: ['memories:read'] });
    const headers = { Authorization: `Bearer ${narrow.body.api_key}` };
    expectProblem(await ann.api.post('/license/validate', { license_key: 'x' }, headers), 403, 'scope_required');
    for (const given of [undefined, 7]) expectProblem(await check(ann, given), 400, 'invalid_request');
    for (const given of ['', ' ', 'x'.repeat(201)]) expectProblem(await check(ann, given), 422, 'unprocessable');
  });
});

describe('license check', () => {
  it('sends one request to Whop per license in thirty seconds, and does not cache failures', async () => {
    let now = Date.now();
    const { whop } = bench;
    const parts = { whop: createWhopClient(whop.config), config: whop.config, now: () => new Date(now) };
    const ask = createLicenseCheck(parts);
    whop.calls.length = 0;
    await Promise.all(Array.from({ length: 20 }, () => ask(bought.id)));
    now += LICENSE_CACHE_SECONDS * 1000 - 1;
    await ask(bought.id);
    expect(whop.calls).toHaveLength(1);
    now += 1;
    expect(await ask(bought.id)).toMatchObject({ plan: 'pro', at: new Date(now) });
    expect(whop.calls).toHaveLength(2);
    whop.faults = { status: 404 };
    now += LICENSE_CACHE_SECONDS * 1000;
    await expect(ask(bought.id)).rejects.toThrow(WhopError);
    whop.faults = {};
    await expect(vi.waitFor(() => ask(bought.id))).resolves.toMatchObject({ plan: 'pro' });
  });
});

describe('Whop client', () => {
  it('retries transient errors twice and never reveals the key', async () => {
    const { whop } = bench;
    const client = createWhopClient(whop.config);
    for (const [status, tries] of [
      [500, 3],
      [429, 3],
      [403, 1],
      [404, 1],
    ] as const) {
      whop.faults = { status };
      whop.calls.length = 0;
      const failure = await client.membership(bought.id).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(WhopError);
      expect(failure).toMatchObject({ status });
      expect((failure as Error).message).not.toContain(whop.config.apiKey);
      expect(whop.calls).toHaveLength(tries);
    }
  });

  it('throws when Whop is unreachable, rejects the key or returns something unexpected', async () => {
    const unreachable = createWhopClient({ ...bench.whop.config, apiUrl: 'http://127.0.0.1:1' });
    await expect(unreachable.membership('mem_1')).rejects.toThrow("Whop's API cannot be reached");
    const other = createWhopClient({ ...bench.whop.config, apiUrl: bench.node.url });
    await expect(other.membership('mem_1')).rejects.toThrow(WhopError);
    const wrong = createWhopClient({ ...bench.whop.config, apiKey: 'apik_wrong' });
    await expect(wrong.membership('mem_1')).rejects.toThrow("Whop's API responded with 401 (unauthorized)");
  });

  it('escapes ids in paths', async () => {
    bench.whop.calls.length = 0;
    await expect(createWhopClient(bench.whop.config).membership('../payments/pay_1?x')).rejects.toThrow(
      'responded with 404',
    );
    expect(bench.whop.calls).toEqual(['GET /memberships/..%2Fpayments%2Fpay_1%3Fx']);
  });
});
