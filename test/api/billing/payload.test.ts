import { describe, expect, it } from 'vitest';
import { parseMembership, parseWebhookEvent } from '../../../api/billing/payload.ts';
import { grantsAccess, highestTier, isKnownStatus, tierOf } from '../../../api/billing/tiers.ts';
import { readConfig } from '../../../api/config.ts';
import { startWhopSimulator } from '../../../scripts/whop-simulator/server.ts';
import { type Shape, serializeBody, serializeMembership } from '../../../scripts/whop-simulator/shapes.ts';

const whop = await startWhopSimulator();
await whop.close();
const person = whop.person({ email: 'ann@example.com' });
const membership = whop.buy('plan_pro', { person, planMetadata: { tier: 'pro' } });
const [paid, activated] = whop.events as [(typeof whop.events)[0], (typeof whop.events)[0]];

const parsed = (shape: Shape, event = activated) => parseWebhookEvent(JSON.parse(serializeBody(event, shape)));

describe('membership event', () => {
  it('is parsed to the same fields from every format that contains the whole membership', () => {
    const seconds = (date: Date | null) => date && new Date(Math.floor(date.getTime() / 1000) * 1000);
    const common = {
      id: membership.id,
      status: 'active',
      userId: person.id,
      planId: 'plan_pro',
      productId: 'prod_test',
      cancelAtPeriodEnd: false,
      manageUrl: expect.stringMatching(/^https:/),
      licenseKey: membership.licenseKey,
    };
    const { periodEnd, updatedAt: changedAt } = membership;
    expect(parsed('v1')?.membership).toEqual({
      ...common,
      email: person.email,
      planTier: 'pro',
      periodEnd,
      changedAt,
    });
    expect(parsed('dated')?.membership).toEqual({ ...common, email: null, planTier: null, periodEnd, changedAt });
    expect(parsed('v5')?.membership).toEqual({
      ...common,
      email: person.email,
      planTier: null,
      periodEnd: seconds(periodEnd),
      changedAt: null,
    });
  });

  it('has its type, membership and user in every format', () => {
    const types = { v1: 'activated', dated: 'activated', v5: 'went_valid', sketch: 'created' };
    for (const [shape, type] of Object.entries(types) as [Shape, string][]) {
      expect(parsed(shape), shape).toMatchObject({
        type: `membership.${type}`,
        isRelevant: true,
        membershipId: membership.id,
        userId: person.id,
      });
    }
  });

  it('of a deleted Whop account has no user', () => {
    const event = { ...activated, subject: { membership: { ...membership, person: null } } };
    for (const shape of ['v1', 'dated', 'v5'] as const) {
      expect(parsed(shape, event)?.membership, shape).toMatchObject({ userId: null, email: null });
      expect(parsed(shape, event)?.userId, shape).toBeUndefined();
    }
  });
});

describe('payment event', () => {
  it('has the membership and the e-mail address', () => {
    for (const shape of ['v1', 'dated'] as const) {
      expect(parsed(shape, paid), shape).toMatchObject({
        type: 'payment.succeeded',
        isRelevant: true,
        membershipId: membership.id,
        userId: person.id,
        email: 'ann@example.com',
        membership: undefined,
      });
    }
    whop.refundHalf(membership);
    const refund = parsed('v1', whop.events.at(-1));
    expect(refund).toMatchObject({
      type: 'refund.created',
      isRelevant: true,
      membershipId: membership.id,
      userId: person.id,
    });
  });

  it('that contains only a payment id is relevant', () => {
    const dispute = { type: 'dispute.created', data: { id: 'dspt_1', payment: { id: 'pay_1' } } };
    expect(parseWebhookEvent(dispute)).toMatchObject({ isRelevant: true, membershipId: undefined, paymentId: 'pay_1' });
  });
});

describe('webhook payload', () => {
  it('without an event type or data is not an event', () => {
    for (const payload of [
      null,
      1,
      'x',
      [],
      {},
      { type: 'membership.activated' },
      { data: {} },
      { type: 'x', data: [] },
    ]) {
      expect(parseWebhookEvent(payload), JSON.stringify(payload)).toBeUndefined();
    }
  });

  it('is relevant only with the id of a membership or payment', () => {
    const data = { id: 'mem_1', status: 'active' };
    expect(parseWebhookEvent({ type: 'membership.paused', data })?.isRelevant).toBe(true);
    expect(parseWebhookEvent({ type: 'course_lesson_interaction.completed', data })?.isRelevant).toBe(false);
    expect(parseWebhookEvent({ type: 'invoice.created', data })?.isRelevant).toBe(false);
    expect(parseWebhookEvent({ type: 'membership.activated', data: {} })?.isRelevant).toBe(false);
    expect(parseWebhookEvent({ action: 'membership_went_valid', data })).toMatchObject({
      type: 'membership.went_valid',
      isRelevant: true,
    });
  });

  it('loses fields of a wrong type or with text that PostgreSQL cannot store', () => {
    const odd = parseMembership({
      id: 'mem_1',
      status: 'active',
      user: { id: 7, email: 'not an address' },
      plan: 'plan_\0',
      renewal_period_end: 'soon',
      manage_url: 'javascript:alert(1)',
      license_key: '\ud800',
      cancel_at_period_end: 'yes',
      updated_at: {},
    });
    expect(odd).toEqual({
      id: 'mem_1',
      status: 'active',
      userId: null,
      email: null,
      planId: null,
      productId: null,
      planTier: null,
      periodEnd: null,
      cancelAtPeriodEnd: false,
      manageUrl: null,
      licenseKey: null,
      changedAt: null,
    });
  });

  it('may contain times as unix seconds or ISO 8601', () => {
    const at = new Date('2026-11-23T12:00:00Z');
    for (const updated_at of [1_795_435_200, '1795435200', '2026-11-23T12:00:00Z', '2026-11-23T13:00:00.000+01:00']) {
      expect(parseMembership({ id: 'm', status: 's', updated_at })?.changedAt, String(updated_at)).toEqual(at);
    }
  });

  it("is parsed from the API's own format", () => {
    expect(parseMembership(JSON.parse(JSON.stringify(serializeMembership('v1', membership))))?.id).toBe(membership.id);
  });
});

describe('tier of a membership', () => {
  it("is determined by Whop's plan, else the product, else the plan's metadata", () => {
    const plans = { plan_a: 'pro', prod_b: 'starter' } as const;
    const of = (planId: string | null, productId: string | null, planTier: string | null) =>
      tierOf({ planId, productId, planTier }, plans);
    expect(of('plan_a', 'prod_b', 'enterprise')).toBe('pro');
    expect(of('plan_x', 'prod_b', 'enterprise')).toBe('starter');
    expect(of('plan_x', 'prod_x', 'enterprise')).toBe('enterprise');
    for (const none of [
      of('plan_x', 'prod_x', 'gold'),
      of(null, null, null),
      of('constructor', '__proto__', 'toString'),
    ]) {
      expect(none).toBeUndefined();
    }
  });

  it('is the highest of several', () => {
    expect(highestTier(['free', 'enterprise', 'starter'])).toBe('enterprise');
    expect(highestTier([])).toBeUndefined();
  });

  it('is granted by the documented access statuses and by no unknown one', () => {
    const granting = ['trialing', 'active', 'past_due', 'completed', 'canceling'];
    const ended = ['canceled', 'expired', 'unresolved', 'drafted'];
    for (const status of granting)
      expect([status, grantsAccess(status), isKnownStatus(status)]).toEqual([status, true, true]);
    for (const status of ended)
      expect([status, grantsAccess(status), isKnownStatus(status)]).toEqual([status, false, true]);
    expect([grantsAccess('paused'), isKnownStatus('paused')]).toEqual([false, false]);
  });
});

describe('WHOP_PLANS', () => {
  it('maps Whop plans and products, and fails the start for an unknown plan of this service', () => {
    expect(readConfig({ WHOP_PLANS: 'plan_a=pro, prod_b = starter' }).whop.plans).toEqual({
      plan_a: 'pro',
      prod_b: 'starter',
    });
    for (const wrong of ['plan_a', 'plan_a=gold', '=pro', 'plan_a=']) {
      expect(() => readConfig({ WHOP_PLANS: wrong }), wrong).toThrow(
        'must be plan_or_product_id=free|starter|pro|enterprise',
      );
    }
  });
});
