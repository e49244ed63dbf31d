import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { enqueueReconciliation } from '../../db/queries/billing/webhook-inbox.ts';
import type { WhopEvent } from '../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../support/billing-fixture.ts';
import { ACTIONS, type Action, executeAction, expectAccountOf, newCustomer } from '../support/whop-customers-model.ts';

let bench: BillingFixture;

beforeAll(async () => {
  bench = await openBillingFixture();
});
afterAll(() => bench.close());

/** Delivery of an action's webhook: at once, twice at once, after all other actions, or never. */
const FATES = ['now', 'twice', 'late', 'lost'] as const;

interface Step extends Action {
  who: number;
  fate: (typeof FATES)[number];
  shape: 'v1' | 'dated' | 'v5';
  /** Whether the received webhooks are processed before the next action. */
  pause: boolean;
  /** Status with which Whop's API fails in the meantime; undefined if it works. */
  trouble: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  // What ends and begins again is where mistakes are.
  what: fc.constantFrom(...ACTIONS, 'end', 'resume', 'resume'),
  which: fc.nat({ max: 3 }),
  who: fc.nat({ max: 1 }),
  fate: fc.constantFrom(...FATES),
  shape: fc.constantFrom('v1' as const, 'dated' as const, 'v5' as const),
  pause: fc.boolean(),
  trouble: fc.constantFrom(undefined, undefined, undefined, 503),
});

const history = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 20, size: 'max' }),
  late: fc.nat({ max: 1_000 }),
});

async function run({ steps, late }: { steps: Step[]; late: number }): Promise<void> {
  const { whop, sql, node } = bench;
  await sql.query('delete from users where whop_user_id is not null');
  whop.memberships.clear();
  whop.events.length = 0;
  const customers = [newCustomer(whop), newCustomer(whop)] as const;
  const waiting: { event: WhopEvent; shape: Step['shape'] }[] = [];
  const sending: Promise<number>[] = [];
  let isLost = false;

  for (const { who, fate, shape, pause, trouble, ...action } of steps) {
    whop.faults = trouble ? { status: trouble } : {};
    executeAction(whop, customers[who % 2 === 0 ? 0 : 1], action);
    for (const event of whop.events.splice(0)) {
      if (fate === 'lost') isLost = true;
      if (fate === 'late') waiting.push({ event, shape });
      const times = { now: 1, twice: 2, late: 0, lost: 0 }[fate];
      for (let time = 0; time < times; time++) sending.push(whop.deliver(event, { shape }));
    }
    if (pause) await Promise.all(sending);
    // While Whop is in trouble nothing ends, and what is tried again later comes out of order.
    if (pause && !trouble) await bench.settled({ hurry: true });
  }
  whop.faults = {};
  await Promise.all(sending);
  // Some order of what is late.
  while (waiting.length > 0) {
    const [next] = waiting.splice(late % waiting.length, 1);
    if (next) await whop.deliver(next.event, { shape: next.shape });
  }
  await bench.settled({ hurry: true });
  if (isLost) {
    await node.service.database.ownerWrite(enqueueReconciliation);
    await bench.settled({ hurry: true });
  }
  for (const life of customers) await expectAccountOf(bench, life);
}

describe("an account, after any history of its owner's memberships", () => {
  it('is what Whop has in the end, whatever webhooks were lost, doubled, late or in trouble', async () => {
    await fc.assert(fc.asyncProperty(history, run), { numRuns: 30, interruptAfterTimeLimit: 60_000 });
  }, 120_000);
});
