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

const notice = (shape: Shape, event = activated) => parseWebhookEvent(JSON.parse(serializeBody(event, shape)));

describe('a membership event', () => {
  it('says the same in every shape that brings it whole', () => {
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
    expect(notice('v1')?.membership).toEqual({
      ...common,
      email: person.email,
      planTier: 'pro',
      periodEnd,
      changedAt,
    });
    expect(notice('dated')?.membership).toEqual({ ...common, email: null, planTier: null, periodEnd, changedAt });
    expect(notice('v5')?.membership).toEqual({
      ...common,
      email: person.email,
      planTier: null,
      periodEnd: seconds(periodEnd),
      changedAt: null,
    });
  });

  it('names its subject in every shape', () => {
    const types = { v1: 'activated', dated: 'activated', v5: 'went_valid', sketch: 'created' };
    for (const [shape, type] of Object.entries(types) as [Shape, string][]) {
      expect(notice(shape), shape).toMatchObject({
        type: `membership.${type}`,
        isRelevant: true,
        membershipId: membership.id,
        userId: person.id,
      });
    }
  });

  it('of a person whose Whop account is gone has no user', () => {
    const event = { ...activated, subject: { membership: { ...membership, person: null } } };
    for (const shape of ['v1', 'dated', 'v5'] as const) {
      expect(notice(shape, event)?.membership, shape).toMatchObject({ userId: null, email: null });
      expect(notice(shape, event)?.userId, shape).toBeUndefined();
    }
  });
});

describe('an event about money', () => {
  it('leads to the membership and brings the address', () => {
    for (const shape of ['v1', 'dated'] as const) {
      expect(notice(shape, paid), shape).toMatchObject({
        type: 'payment.succeeded',
        isRelevant: true,
        membershipId: membership.id,
        userId: person.id,
        email: 'ann@example.com',
        membership: undefined,
      });
    }
    whop.refundHalf(membership);
    const refund = notice('v1', whop.events.at(-1));
    expect(refund).toMatchObject({
      type: 'refund.created',
      isRelevant: true,
      membershipId: membership.id,
      userId: person.id,
    });
  });

  it('that only names a payment is worth asking about', () => {
    const dispute = { type: 'dispute.created', data: { id: 'dspt_1', payment: { id: 'pay_1' } } };
    expect(parseWebhookEvent(dispute)).toMatchObject({ isRelevant: true, membershipId: undefined, paymentId: 'pay_1' });
  });
});

describe('what else may come', () => {
  it('is no event without a name or data', () => {
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

  it('does not matter unless it is about a membership or money, and names it', () => {
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

  it('of wrong types or with what no database holds is left out', () => {
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

  it('as a unix time means the same as in ISO 8601', () => {
    const at = new Date('2026-11-23T12:00:00Z');
    for (const updated_at of [1_795_435_200, '1795435200', '2026-11-23T12:00:00Z', '2026-11-23T13:00:00.000+01:00']) {
      expect(parseMembership({ id: 'm', status: 's', updated_at })?.changedAt, String(updated_at)).toEqual(at);
    }
  });

  it('is a membership of the API in its own shape', () => {
    expect(parseMembership(JSON.parse(JSON.stringify(serializeMembership('v1', membership))))?.id).toBe(membership.id);
  });
});

describe('a tier', () => {
  it("is found by Whop's plan, then its product, then what the plan says", () => {
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

  it('is the best of several', () => {
    expect(highestTier(['free', 'enterprise', 'starter'])).toBe('enterprise');
    expect(highestTier([])).toBeUndefined();
  });

  it('is given by the statuses that Whop means by it, and by none that nobody knows', () => {
    const giving = ['trialing', 'active', 'past_due', 'completed', 'canceling'];
    const ended = ['canceled', 'expired', 'unresolved', 'drafted'];
    for (const status of giving)
      expect([status, grantsAccess(status), isKnownStatus(status)]).toEqual([status, true, true]);
    for (const status of ended)
      expect([status, grantsAccess(status), isKnownStatus(status)]).toEqual([status, false, true]);
    expect([grantsAccess('paused'), isKnownStatus('paused')]).toEqual([false, false]);
  });
});

describe('WHOP_PLANS', () => {
  it('names plans and products, and stops the start when it names no plan of ours', () => {
    expect(readConfig({ WHOP_PLANS: 'plan_a=pro, prod_b = starter' }).whop.plans).toEqual({
      plan_a: 'pro',
      prod_b: 'starter',
    });
    for (const wrong of ['plan_a', 'plan_a=gold', '=pro', 'plan_a=']) {
      expect(() => readConfig({ WHOP_PLANS: wrong }), wrong).toThrow(
        'is not plan_or_product_id=free|starter|pro|enterprise',
      );
    }
  });
});
