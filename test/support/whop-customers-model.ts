import { expect } from 'vitest';
import { PLAN_NAMES } from '../../api/limits/plans.ts';
import type { Membership, Person, WhopSimulator } from '../../scripts/whop-simulator/server.ts';
import type { BillingBench } from './billing-fixture.ts';

const PLANS = ['plan_free', 'plan_starter', 'plan_pro', 'plan_enterprise'] as const;
const GIVING = ['active', 'past_due'];

/** Something that a person does at Whop, or that happens to a membership of theirs. */
export interface Deed {
  what: 'buy' | 'switch' | 'cancel' | 'end' | 'resume' | 'fail' | 'refund';
  /** Which of the person's memberships, and which plan: any number. */
  which: number;
}

export const DEEDS: Deed['what'][] = ['buy', 'switch', 'cancel', 'end', 'resume', 'fail', 'refund'];

/** A person with what they have at Whop, and how often what was done to it. */
export interface Life {
  person: Person;
  memberships: Membership[];
  counts: Record<Deed['what'], number>;
}

export function newLife(whop: WhopSimulator): Life {
  return {
    person: whop.person(),
    memberships: [],
    counts: { buy: 0, switch: 0, cancel: 0, end: 0, resume: 0, fail: 0, refund: 0 },
  };
}

/** Does it. What needs a membership is a purchase where there is none. */
export function live(whop: WhopSimulator, life: Life, { what, which }: Deed): void {
  const membership = life.memberships[which % life.memberships.length];
  const plan = PLANS[which % PLANS.length] as string;
  if (what === 'buy' || !membership) {
    life.memberships.push(whop.buy(plan, { person: life.person }));
    life.counts.buy++;
    return;
  }
  life.counts[what]++;
  if (what === 'switch') whop.switchPlan(membership, plan);
  if (what === 'cancel') whop.cancelAtPeriodEnd(membership);
  if (what === 'end') whop.end(membership);
  if (what === 'resume') whop.resume(membership);
  if (what === 'fail') whop.failPayment(membership);
  if (what === 'refund') whop.refundHalf(membership);
}

/**
 * Fails unless a person's account is what Whop has in the end: one account, the best tier of what gives access,
 * read-only when nothing does, one claim, one welcome, and of the other mails none without its reason.
 */
export async function expectAccountOf(bench: BillingBench, { person, memberships, counts }: Life): Promise<void> {
  const giving = memberships.filter(({ status }) => GIVING.includes(status));
  const account = await bench.account(person.id);
  const { rows } = await bench.sql.query('select from users where whop_user_id = $1', [person.id]);
  expect(rows.length).toBeLessThanOrEqual(1);
  // Who bought nothing that lasted until somebody looked has no account.
  if (!account) return expect(giving).toEqual([]);

  expect(account).toMatchObject({ status: giving.length > 0 ? 'active' : 'read_only', claims: 1, keys: 0 });
  if (giving.length > 0) {
    const best = Math.max(...giving.map(({ planId }) => PLAN_NAMES.indexOf(planId.replace('plan_', '') as never)));
    expect(account.plan).toBe(PLAN_NAMES[best]);
  }
  const known = new Map(memberships.map(({ id, status }) => [id, status]));
  for (const { id, status } of account.memberships) expect([id, status]).toEqual([id, known.get(id)]);

  const mails = await bench.mails(person.id);
  const count = (template: string) => mails.filter((mail) => mail === template).length;
  expect(count('welcome')).toBe(1);
  expect(count('payment_failed')).toBeLessThanOrEqual(counts.fail);
  expect(count('cancellation')).toBeLessThanOrEqual(counts.cancel + counts.end);
  expect(count('plan_changed')).toBeLessThanOrEqual(counts.switch + counts.buy + counts.end + counts.resume);
}
