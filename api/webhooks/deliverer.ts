import { setTimeout as delay } from 'node:timers/promises';
import {
  deferBlockedDeliveries,
  type LeasedWebhook,
  leaseWebhooks,
  listDueDeliveries,
  releaseWebhook,
} from '../../db/queries/webhooks/delivery-queue.ts';
import type { Logger } from '../observability/log.ts';
import { type DeliveryContext, deliver, mailDisabled, TIMEOUT_MS } from './deliver.ts';

/** Webhooks that one process delivers to at once. One that does not respond takes one of these places for {@link TIMEOUT_MS}, then pauses. */
const WEBHOOKS_MAX = 64;
/** Deliveries to one webhook at once; one alone once as many have failed in a row. */
const PARALLEL = 8;
/** Deliveries that are read at once: of different memories, so that none waits for another of them. */
const PAGE = 64;
/** Time for which one webhook is delivered to before it goes to the end of the line. */
const SLICE_MS = 20_000;
/** Failed deliveries without a success between them after which it goes there too. */
const FAILURES_MAX = 16;
/** Time after which the webhooks of a killed worker are leased again; longer than a slice and its last request. */
export const LEASE_MS = (3 * (SLICE_MS + TIMEOUT_MS)) / 2;
/** Interval between searches for webhooks that are due. */
const POLL_MS = 1_000;

export interface Deliverer {
  /** Delivers everything that is due, until nothing is. */
  drain(): Promise<void>;
  /** Ends open requests, whose deliveries stay pending, and resolves when all webhooks are released. */
  stop(): Promise<void>;
}

type DelivererOptions = Omit<DeliveryContext, 'signal' | 'random'> & {
  log: Logger;
  random?: () => number;
  /** Delivers what is due only when {@link Deliverer.drain} is called. */
  isManual?: boolean;
};

/**
 * Delivers the events of webhooks. Any number of processes may do so on a database: a webhook is leased by one at a time, which attempts
 * the events of one memory in their order and others side by side. Webhooks take turns by the time since which they wait, so that none,
 * slow, dead or with a long backlog, delays another.
 */
export function startDeliverer({
  log,
  random = Math.random,
  isManual = false,
  ...options
}: DelivererOptions): Deliverer {
  const stopping = new AbortController();
  const context = { ...options, random, signal: stopping.signal };
  const running = new Set<Promise<void>>();

  /** Starts on webhooks that are due, as many as there are places. Returns how many. */
  async function startDue(): Promise<number> {
    const limit = WEBHOOKS_MAX - running.size;
    if (limit === 0) return 0;
    const now = context.clock.now();
    const lease = { now, leaseId: context.clock.newId(), until: new Date(now.getTime() + LEASE_MS), limit };
    const leased = await context.database.ownerWrite((sql) => leaseWebhooks(sql, lease));
    for (const webhook of leased) {
      const work = serve(context, webhook)
        .catch((error) => log.warn({ err: error, webhook_id: webhook.id }, 'a webhook could not be delivered to'))
        .finally(() => running.delete(work));
      running.add(work);
    }
    return leased.length;
  }

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      await startDue().catch((error) => log.warn({ err: error }, 'webhooks that are due could not be read'));
      await delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const polling = isManual ? Promise.resolve() : poll();
  return {
    async drain() {
      while (!stopping.signal.aborted && ((await startDue()) > 0 || running.size > 0)) await Promise.race(running);
    },
    async stop() {
      stopping.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

/** Delivers to a leased webhook for a while, then releases it. */
async function serve(context: DeliveryContext, webhook: LeasedWebhook): Promise<void> {
  const { database, clock } = context;
  if (webhook.status === 'enabled') await deliverDue(context, webhook);
  await database.ownerWrite(async (sql) => {
    if (webhook.disabled_reason === 'backlog') await mailDisabled({ ...clock, sql }, webhook, 'backlog');
    await deferBlockedDeliveries(sql, webhook, clock.now());
    await releaseWebhook(sql, webhook);
  });
}

async function deliverDue(context: DeliveryContext, webhook: LeasedWebhook): Promise<void> {
  const { database, clock, signal } = context;
  const ends = performance.now() + SLICE_MS;
  let { failures } = webhook;
  let rejected = 0;
  const goesOn = () => !signal.aborted && performance.now() < ends && rejected < FAILURES_MAX;
  while (goesOn()) {
    let found = await listDueDeliveries(database.owner, webhook, clock.now(), PAGE);
    if (found.length === 0 && (await deferBlockedDeliveries(database.owner, webhook, clock.now())) === 0) return;
    while (found.length > 0 && goesOn()) {
      const parallel = failures >= PARALLEL ? 1 : PARALLEL;
      const outcome = await deliver(context, { ...webhook, failures }, found.slice(0, parallel));
      if (outcome.isPaused) return;
      found = found.slice(parallel);
      failures = outcome.delivered > 0 ? 0 : failures + outcome.failed;
      rejected = outcome.delivered > 0 ? 0 : rejected + outcome.failed;
    }
  }
}
