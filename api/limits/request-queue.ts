import { createFairSemaphore, type FairSemaphoreOptions, NoPermitError } from '../../db/client/fair-semaphore.ts';
import { Problem } from '../errors.ts';
import type { LongRequestLock } from './long-request-lock.ts';
import { followLongRequests, type LongRequestsOptions } from './long-requests.ts';

/** Bounds the requests that a node executes at once, and shares them fairly between tenants. */
export interface RequestQueue {
  /**
   * Runs a request when it is its turn.
   * @param meter gets back what the rate limit took for a request that is not run
   * @throws Problem `concurrency_exceeded` when the tenant has too many requests at once, `overloaded` when all tenants together have
   */
  run<T>(tenant: string, meter: { refund(): Promise<void> }, work: () => Promise<T>): Promise<T>;
  /**
   * Counts a response that this node keeps until the client has read it. While a tenant has more than {@link UNSENT_BYTES_MAX} of
   * them, its requests are not run.
   * @returns the function that ends the count
   */
  hold(tenant: string, bytes: number): () => void;
}

/** Eight pages of the largest size: more memory is not kept for clients that do not read. */
export const UNSENT_BYTES_MAX = 16_777_216;

/** Most requests of one tenant that a node executes at once. Each may have several statements running. */
export const REQUESTS_PER_TENANT = 8;
/** Waiting requests of one tenant: the burst that the pro plan allows in a minute passes whole. */
export const WAITING_PER_TENANT = 300;

const LIMITS: Omit<FairSemaphoreOptions, 'permitsPerTenant'> = {
  permits: 128,
  waitingPerTenant: WAITING_PER_TENANT,
  waitingMax: 2_048,
  waitMs: 20_000,
};

/** Creates the queue of a node. @param lock held while long requests of a tenant are executed, where several nodes share a database */
export function createRequestQueue(
  limits: Partial<FairSemaphoreOptions> = {},
  options: Omit<LongRequestsOptions, 'permits'> = {},
  lock?: LongRequestLock,
): RequestQueue {
  const long = followLongRequests({ permits: REQUESTS_PER_TENANT, ...options });
  const semaphore = createFairSemaphore({ ...LIMITS, permitsPerTenant: long.permitsOf, ...limits });
  const unsent = new Map<string, number>();
  const add = (tenant: string, bytes: number) => {
    const sum = (unsent.get(tenant) ?? 0) + bytes;
    if (sum > 0) unsent.set(tenant, sum);
    else unsent.delete(tenant);
  };
  return {
    async run(tenant, meter, work) {
      if ((unsent.get(tenant) ?? 0) > UNSENT_BYTES_MAX) {
        await meter.refund();
        throw new Problem('concurrency_exceeded', { detail: UNREAD, headers: { 'Retry-After': '1' } });
      }
      let isRunning = false;
      try {
        return await semaphore.run(tenant, async () => {
          isRunning = true;
          const unlock = lock && long.areLong(tenant) ? await lock.acquire(tenant) : undefined;
          const end = long.start(tenant);
          try {
            return await work();
          } finally {
            end();
            unlock?.();
          }
        });
      } catch (error) {
        if (isRunning || !(error instanceof NoPermitError)) throw error;
        await meter.refund();
        throw toProblem(error);
      }
    },
    hold(tenant, bytes) {
      add(tenant, bytes);
      return () => add(tenant, -bytes);
    },
  };
}

const UNREAD =
  'Your clients have not read the responses to earlier requests. Read them, or close their connections. Nothing was changed.';

function toProblem(error: NoPermitError): Problem {
  if (error.heldBy === 'everybody') return new Problem('overloaded', { headers: { 'Retry-After': '2' } }, error);
  const detail = `This service executes at most ${REQUESTS_PER_TENANT} requests of an account at once, fewer while they take long, and lets ${WAITING_PER_TENANT} wait. Nothing was changed.`;
  return new Problem('concurrency_exceeded', { detail, headers: { 'Retry-After': '1' } }, error);
}
