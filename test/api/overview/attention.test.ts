import { describe, expect, it } from 'vitest';
import { type AccountState, findAttention } from '../../../api/overview/attention.ts';
import { DAY_MS } from '../../../api/time.ts';
import type { KeyRow } from '../../../db/queries/accounts/api-keys.ts';
import type { MembershipRow } from '../../../db/queries/billing/memberships.ts';
import type { WebhookRow } from '../../../db/queries/webhooks/webhooks.ts';

const NOW = new Date('2026-11-29T12:00:00Z');
const inDays = (days: number) => new Date(NOW.getTime() + days * DAY_MS);

const key = (name: string, expires_at: Date | null, revoked_at: Date | null = null): KeyRow => ({
  id: `id-of-${name}`,
  name,
  prefix: 'wm_live_',
  last4: '0000',
  scopes: [],
  projects: null,
  rpm_limit: null,
  expires_at,
  revoked_at,
  last_used_at: null,
  created_at: NOW,
});

const membership = (fields: Partial<MembershipRow>): MembershipRow => ({
  id: 'mem_1',
  status: 'active',
  plan_id: null,
  product_id: null,
  tier: 'pro',
  period_end: inDays(20),
  gave_access: true,
  cancel_at_period_end: false,
  manage_url: 'https://whop.com/manage/mem_1',
  license_hash: null,
  changed_at: null,
  read_at: NOW,
  confirmed: true,
  ...fields,
});

const webhook = (fields: Partial<WebhookRow>): WebhookRow => ({
  id: 'w1',
  url: 'https://example.com/hooks',
  description: '',
  events: ['memory.created'],
  status: 'enabled',
  disabled_reason: null,
  previous_secret_expires_at: null,
  waiting: 0,
  failures: 0,
  failing_since: null,
  last_delivered_at: null,
  created_at: NOW,
  updated_at: NOW,
  ...fields,
});

const CALM: AccountState = {
  now: NOW,
  status: 'active',
  plan: 'pro',
  dates: undefined,
  calls: { used: 10, limit: 1_000, percent: 1, resets_at: '2026-11-30T00:00:00.000Z' },
  storage: { used: 10, limit: 1_000, percent: 1 },
  memberships: [membership({})],
  keys: [key('laptop', null), key('far', inDays(15))],
  webhooks: [webhook({ failing_since: NOW }), webhook({ status: 'disabled', disabled_reason: 'owner' })],
  embedding: { pending: 3, failed: 0, oldestSeconds: 5 },
};

const found = (state: Partial<AccountState>) => findAttention({ ...CALM, ...state });

describe('what needs attention', () => {
  it('is nothing in an account that works', () => {
    expect(found({})).toEqual([]);
  });

  it('has the calls of the day from 80 %, and says what happens at the limit', () => {
    const at = (used: number) => found({ calls: { ...CALM.calls, used, percent: used / 10 } });
    expect(at(799)).toEqual([]);
    expect(at(800)).toMatchObject([{ kind: 'calls_limit', severity: 'warning', link: { href: '/app/usage' } }]);
    expect(at(800)[0]?.message).toContain('800 of the 1,000 calls of today are used');
    expect(at(1_000)[0]).toMatchObject({ severity: 'critical' });
    expect(at(1_000)[0]?.message).toContain('rejected until 00:00 UTC');
  });

  it('has the storage from 80 %, which is full from 99 %', () => {
    const at = (percent: number) => found({ storage: { used: percent, limit: 100, percent } })[0];
    expect(at(79.9)).toBeUndefined();
    expect(at(85.4)).toMatchObject({ kind: 'storage_limit', severity: 'warning' });
    expect(at(99)).toMatchObject({ severity: 'critical', message: expect.stringContaining('is full') });
  });

  it('has a failed payment and a canceled plan, with the page at Whop', () => {
    const link = { label: 'Manage at Whop', href: 'https://whop.com/manage/mem_1' };
    expect(found({ memberships: [membership({ status: 'past_due' })] })).toMatchObject([
      { kind: 'payment_failed', severity: 'critical', link },
    ]);
    const [canceled] = found({ memberships: [membership({ cancel_at_period_end: true })] });
    expect(canceled).toMatchObject({ kind: 'plan_ends', severity: 'warning', link });
    expect(canceled?.message).toContain('ends on December 19, 2026');
    const past = membership({ cancel_at_period_end: true, period_end: inDays(-1), status: 'canceled' });
    expect(found({ memberships: [past] })).toEqual([]);
    expect(found({ memberships: [membership({ status: 'past_due', manage_url: null })] })[0]?.link).toBeNull();
  });

  it('has a read-only account and one that is being deleted, with the date of the purge, first', () => {
    const dates = { read_only_since: NOW, closing_since: null, purge_at: inDays(30) };
    const nearLimit = { calls: { ...CALM.calls, used: 900, percent: 90 } };
    const [first, second] = found({ ...nearLimit, status: 'read_only', dates });
    expect(first).toMatchObject({ kind: 'read_only', severity: 'critical' });
    expect(first?.message).toContain('erased on December 29, 2026');
    expect(second).toMatchObject({ kind: 'calls_limit' });
    expect(found({ status: 'closing', dates })[0]).toMatchObject({
      kind: 'account_closing',
      link: { href: '/app/account' },
    });
  });

  it('has keys that expire within 14 days, the soonest first, five at most', () => {
    const keys = [10, 2, 14].map((days) => key(`in-${days}`, inDays(days)));
    const others = [key('expired', inDays(-1)), key('revoked', inDays(3), NOW), key('later', inDays(14.1))];
    const links = found({ keys: [...keys, ...others] }).map(({ link }) => link?.href);
    expect(links).toEqual(['id-of-in-2', 'id-of-in-10', 'id-of-in-14'].map((id) => `/app/keys?key=${id}`));
    const many = Array.from({ length: 20 }, (_, n) => key(`k${n}`, inDays(1)));
    expect(found({ keys: many })).toHaveLength(5);
  });

  it('has a webhook that fails for a minute, and one that is disabled for it, not one that its owner disabled', () => {
    const failing_since = new Date(NOW.getTime() - 61_000);
    const [failing] = found({ webhooks: [webhook({ failing_since })] });
    expect(failing).toMatchObject({ kind: 'webhook_failing', severity: 'warning', link: { href: '/app/webhooks/w1' } });
    expect(failing?.message).toContain('the webhook at example.com fail');
    const gone = webhook({ failing_since, status: 'disabled', disabled_reason: 'gone' });
    expect(found({ webhooks: [gone] })).toMatchObject([{ kind: 'webhook_failing', severity: 'critical' }]);
  });

  it('has an index that is behind for two minutes, and memories that cannot be embedded', () => {
    expect(found({ embedding: { pending: 1, failed: 0, oldestSeconds: 121 } })).toMatchObject([
      { kind: 'index_behind', severity: 'info', message: expect.stringContaining('1 memory is not yet indexed') },
    ]);
    expect(found({ embedding: { pending: 0, failed: 2, oldestSeconds: 0 } })).toMatchObject([
      { kind: 'not_indexed', message: expect.stringContaining('2 memories are not found by meaning') },
    ]);
  });
});
