import { availableParallelism } from 'node:os';
import { LRUCache } from 'lru-cache';

/** Follows which tenants' requests take long, so that they do not take the processor from those of others. */
export interface LongRequests {
  /** Counts a request from now on. Returns the function that ends it. */
  start(tenant: string): () => void;
  /**
   * Returns how many requests a tenant may have executed at once. While other tenants send requests too, those are fewer the longer its
   * requests take. They are few while the event loop is busy, and until the tenant's first request after a pause has ended.
   */
  permitsOf(tenant: string): number;
  /** Returns whether a tenant has the fewest permits because its requests are long, and other tenants send requests too. */
  areLong(tenant: string): boolean;
}

export interface LongRequestsOptions {
  /** Requests of a tenant at once, otherwise. */
  permits: number;
  /** Milliseconds of a request that are not long. Default 50: an ordinary search takes 10 to 50. */
  ordinaryMs?: number | undefined;
  /** Milliseconds of a monotonic clock. Default: that of the process. */
  now?: (() => number) | undefined;
  /** Share of time in which the event loop was busy lately, up to 1. Default: that of the process. */
  busyShare?: (() => number) | undefined;
}

const ORDINARY_MS = 50;
/** Long time counts less with its age: by 1/e after this time. */
const REMEMBERED_MS = 5_000;
/** Long time that a tenant may have: that of its requests within what is remembered, and what those that are executed now will have. */
const LONG_MS_MAX = 500;
/** A request is expected to take as long as the longest before it, which counts less after each shorter one. */
const EXPECTED_SHARE = 0.8;
/** Time after its last request in which a tenant counts as sending requests. */
const ACTIVE_MS = 1_000;
/** Requests at once of a tenant with long ones: a quarter of the cores, which the service shares with database and encoder. */
export const LONG_REQUESTS_PER_TENANT = Math.max(1, Math.floor(availableParallelism() / 4));
/** Share of busy time from which requests wait mostly for the event loop: many short ones of a tenant then delay those of others. */
const BUSY_SHARE_MIN = 0.85;
/** Shortest and longest interval in which the share of busy time is measured. */
const BUSY_INTERVAL_MS = 200;
const BUSY_INTERVAL_MS_MAX = 1_000;
const TENANTS_MAX = 10_000;

/** The requests of a tenant. */
interface RecentRequests {
  /** When those that are executed now have started. */
  startedAt: number[];
  /** Long time of those that have ended, as of the end of the last one. */
  longMs: number;
  endedAt: number;
  /** Long time that the next one is expected to have. */
  expectedMs: number;
}

export function followLongRequests({
  permits,
  ordinaryMs = ORDINARY_MS,
  now = () => performance.now(),
  busyShare = measureBusyShare(now),
}: LongRequestsOptions): LongRequests {
  const recent = new LRUCache<string, RecentRequests>({ max: TENANTS_MAX });
  /** The two tenants that sent a request last, the latest first. */
  let latest: { tenant: string; at: number }[] = [];

  const excessMs = (startedAt: number): number => Math.max(0, now() - startedAt - ordinaryMs);
  const endedMs = ({ longMs, endedAt }: RecentRequests): number => longMs * Math.exp((endedAt - now()) / REMEMBERED_MS);
  const isAnotherActive = (tenant: string): boolean =>
    latest.some((one) => one.tenant !== tenant && now() - one.at < ACTIVE_MS);

  /** Returns how many requests may be executed at once for the tenant's long time to stay below the most. */
  const mostAtOnce = (requests: RecentRequests): number => {
    const { startedAt, expectedMs } = requests;
    const runningMs = startedAt.reduce((sum, at) => sum + Math.max(expectedMs, excessMs(at)), 0);
    const leftMs = LONG_MS_MAX - endedMs(requests) - runningMs;
    return startedAt.length + Math.floor(leftMs / Math.max(expectedMs, 1));
  };

  /** Returns the requests of a tenant, unless it has paused for so long that nothing is known of the next ones. */
  const recentOf = (tenant: string): RecentRequests | undefined => {
    const requests = recent.get(tenant);
    return requests && now() - requests.endedAt < REMEMBERED_MS ? requests : undefined;
  };

  return {
    start(tenant) {
      const startedAt = now();
      latest = [{ tenant, at: startedAt }, ...latest.filter((one) => one.tenant !== tenant)].slice(0, 2);
      const requests = recent.get(tenant) ?? { startedAt: [], longMs: 0, endedAt: -Infinity, expectedMs: 0 };
      recent.set(tenant, requests);
      requests.startedAt.push(startedAt);
      return () => {
        requests.startedAt.splice(requests.startedAt.indexOf(startedAt), 1);
        const excess = excessMs(startedAt);
        requests.longMs = endedMs(requests) + excess;
        requests.endedAt = now();
        requests.expectedMs = Math.max(excess, requests.expectedMs * EXPECTED_SHARE);
      };
    },
    permitsOf(tenant) {
      if (!isAnotherActive(tenant)) return permits;
      const requests = busyShare() < BUSY_SHARE_MIN ? recentOf(tenant) : undefined;
      return Math.min(permits, Math.max(LONG_REQUESTS_PER_TENANT, requests ? mostAtOnce(requests) : 0));
    },
    areLong(tenant) {
      const requests = recentOf(tenant);
      return requests !== undefined && isAnotherActive(tenant) && mostAtOnce(requests) <= LONG_REQUESTS_PER_TENANT;
    },
  };
}

/**
 * Creates a function that returns in which share of the last interval the event loop of this process was busy; 0 when it was not called
 * for so long that the interval before says nothing of now.
 */
function measureBusyShare(now: () => number): () => number {
  let since = performance.eventLoopUtilization();
  let measuredAt = now();
  let share = 0;
  return () => {
    const elapsed = now() - measuredAt;
    if (elapsed < BUSY_INTERVAL_MS) return share;
    share = elapsed < BUSY_INTERVAL_MS_MAX ? performance.eventLoopUtilization(since).utilization : 0;
    since = performance.eventLoopUtilization();
    measuredAt = now();
    return share;
  };
}
