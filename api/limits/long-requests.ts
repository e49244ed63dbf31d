import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';

/** Follows which tenants' requests take long, so that they do not take the processor from those of others. */
export interface LongRequests {
  /** Counts a request from now on. Returns the function that ends it. */
  start(tenant: string): () => void;
  /** Returns how many requests a tenant may have executed at once: few while it has long ones and other tenants send requests too. */
  permitsOf(tenant: string): number;
}

export interface LongRequestsOptions {
  /** Requests of a tenant at once, otherwise. */
  permits: number;
  /** Milliseconds of a request that are not long. Default 50: an ordinary search takes 10 to 50. */
  ordinaryMs?: number | undefined;
  /** Milliseconds of a monotonic clock. Default: that of the process. */
  now?: (() => number) | undefined;
}

const ORDINARY_MS = 50;
/** Long time counts less with its age: by 1/e after this time. */
const REMEMBERED_MS = 5_000;
/** Long time within what is remembered that is too much. */
const LONG_MS_MAX = 1_000;
/** Time after its last request in which a tenant counts as sending requests. */
const ACTIVE_MS = 1_000;
/** Requests at once of a tenant with long ones: a quarter of the cores, which the service shares with database and encoder. */
export const LONG_REQUESTS_PER_TENANT = Math.max(1, Math.floor(availableParallelism() / 4));
const TENANTS_MAX = 10_000;

export function followLongRequests({
  permits,
  ordinaryMs = ORDINARY_MS,
  now = () => performance.now(),
}: LongRequestsOptions): LongRequests {
  const long = new LRUCache<string, { ms: number; at: number }>({ max: TENANTS_MAX });
  /** The two tenants that sent a request last, the latest first. */
  let latest: { tenant: string; at: number }[] = [];

  const longMs = (tenant: string): number => {
    const { ms, at } = long.get(tenant) ?? { ms: 0, at: 0 };
    return ms * Math.exp((at - now()) / REMEMBERED_MS);
  };
  const isAnotherActive = (tenant: string): boolean =>
    latest.some((one) => one.tenant !== tenant && now() - one.at < ACTIVE_MS);

  return {
    start(tenant) {
      const startedAt = now();
      latest = [{ tenant, at: startedAt }, ...latest.filter((one) => one.tenant !== tenant)].slice(0, 2);
      return () => {
        const excess = now() - startedAt - ordinaryMs;
        if (excess > 0) long.set(tenant, { ms: longMs(tenant) + excess, at: now() });
      };
    },
    permitsOf: (tenant) =>
      longMs(tenant) > LONG_MS_MAX && isAnotherActive(tenant) ? Math.min(permits, LONG_REQUESTS_PER_TENANT) : permits,
  };
}
