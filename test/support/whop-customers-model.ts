import { expect } from 'vitest';
import { PLAN_NAMES } from '../../api/limits/plans.ts';
import type { Membership, Person, WhopSimulator } from '../../scripts/whop-simulator/server.ts';
import type { BillingFixture } from './billing-fixture.ts';

const PLANS = ['plan_free', 'plan_starter', 'plan_pro', 'plan_enterprise'] as const;
const GIVING = ['active', 'past_due'];

/** An action of a customer at Whop, or an event of one of their memberships. */
export interface Action {
  what: 'buy' | 'switch' | 'cancel' | 'end' | 'resume' | 'fail' | 'refund';
  /** Selects the membership and the plan, modulo their number. */
  which: number;
}

export const ACTIONS: Action['what'][] = ['buy', 'switch', 'cancel', 'end', 'resume', 'fail', 'refund'];

/** A customer with their memberships at Whop, and the number of actions of each kind. */
interface Customer {
  person: Person;
  memberships: Membership[];
  counts: Record<Action['what'], number>;
}

export function newCustomer(whop: WhopSimulator): Customer {
  return {
    person: whop.person(),
    memberships: [],
    counts: { buy: 0, switch: 0, cancel: 0, end: 0, resume: 0, fail: 0, refund: 0 },
  };
}

/** Executes an action. Without a membership, every action is a purchase. */
export function executeAction(whop: WhopSimulator, customer: Customer, { what, which }: Action): void {
  const membership = customer.memberships[which % customer.memberships.length];
  const plan = PLANS[which % PLANS.length] as string;
  if (what === 'buy' || !membership) {
    customer.memberships.push(whop.buy(plan, { person: customer.person }));
    customer.counts.buy++;
    return;
  }
  customer.counts[what]++;
  if (what === 'switch') whop.switchPlan(membership, plan);
  if (what === 'cancel') whop.cancelAtPeriodEnd(membership);
  if (what === 'end') whop.end(membership);
  if (what === 'resume') whop.resume(membership);
  if (what === 'fail') whop.failPayment(membership);
  if (what === 'refund') whop.refundHalf(membership);
}

/**
 * Fails unless a customer's account matches the final state at Whop: one account, the best tier of the memberships that
 * give access, read-only without one, one activation link, one welcome e-mail, and no other e-mail without a cause.
 */
export async function expectAccountOf(
  fixture: BillingFixture,
  { person, memberships, counts }: Customer,
): Promise<void> {
  const giving = memberships.filter(({ status }) => GIVING.includes(status));
  const account = await fixture.account(person.id);
  const { rows } = await fixture.sql.query('select from users where whop_user_id = $1', [person.id]);
  expect(rows.length).toBeLessThanOrEqual(1);
  // A customer whose purchases ended before they were processed has no account.
  if (!account) return expect(giving).toEqual([]);

  expect(account).toMatchObject({ status: giving.length > 0 ? 'active' : 'read_only', claims: 1, keys: 0 });
  if (giving.length > 0) {
    const best = Math.max(...giving.map(({ planId }) => PLAN_NAMES.indexOf(planId.replace('plan_', '') as never)));
    expect(account.plan).toBe(PLAN_NAMES[best]);
  }
  const known = new Map(memberships.map(({ id, status }) => [id, status]));
  for (const { id, status } of account.memberships) expect([id, status]).toEqual([id, known.get(id)]);

  const mails = await fixture.mails(person.id);
  const count = (template: string) => mails.filter((mail) => mail === template).length;
  expect(count('welcome')).toBe(1);
  expect(count('payment_failed')).toBeLessThanOrEqual(counts.fail);
  expect(count('cancellation')).toBeLessThanOrEqual(counts.cancel + counts.end);
  expect(count('plan_changed')).toBeLessThanOrEqual(counts.switch + counts.buy + counts.end + counts.resume);
}
