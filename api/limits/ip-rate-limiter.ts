import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Problem } from '../errors.ts';
import { MINUTE_MS } from '../time.ts';
import { EPSILON, type Limiter, type RatePolicy } from './local-limiter.ts';

/** Requests without a valid key that one client IP may make: as a burst, and again over each minute. */
export const REQUESTS_PER_IP = 60;
const IPS_MAX = 50_000;
/** Concurrent attempts per client IP and node, so that a few nodes together never hold all the tokens of one IP. */
const CONCURRENT_MAX = 10;

/*
 * A semaphore in front of a token bucket, per client IP.
 *
 * The bucket holds `perMinute` tokens and refills continuously. An attempt costs a token only if it fails, which is known at its
 * end. So a running attempt holds a token, and the semaphore admits only as many attempts as there are tokens, at most
 * CONCURRENT_MAX. An attempt is
 *   - rejected, when less than one token is left, running attempts not counted;
 *   - waiting, when running attempts hold all tokens that are left: one of them may return its token;
 *   - reserving, while it takes a token from the limiter that all nodes share. If that limiter has none, the attempt waits for a
 *     running attempt of this node to end, or, if there is none, records the bucket as empty and is rejected;
 *   - running;
 *   - ended: a failed attempt spends its token, any other returns it. Then waiting attempts are woken and try again.
 * While the shared limiter is unavailable, each node counts by its own bucket.
 */

interface IpLimitOptions {
  /** Purpose of the request. Each is counted apart, so that bad keys close neither pages nor webhooks. Default `key`. */
  purpose?: 'key' | 'session' | 'public' | 'sign-in' | 'webhook';
  /** Rejects the request while the shared limiter is unavailable. */
  failClosed?: boolean;
}

/**
 * Limits requests by client IP, before the caller is known: on this node, and on all nodes that share a limiter. An IPv6 address
 * counts as its /64 network. A request that exceeds what this node knows to be left is rejected without asking the shared limiter.
 */
export interface IpRateLimiter {
  /**
   * Consumes one request of a client IP.
   * @throws Problem `rate_limited`; `unavailable` with `failClosed`
   */
  consume(ip: string, options?: IpLimitOptions): Promise<void>;
  /**
   * Runs `work`, which costs a request only if it throws a `Problem`. Waits while running attempts of the same IP hold all that
   * is left, so many concurrent valid callers behind one IP all succeed.
   * @throws Problem `rate_limited`, without having run `work`
   */
  attempt<T>(ip: string, work: () => Promise<T>, options?: IpLimitOptions): Promise<T>;
}

interface Bucket {
  policy: RatePolicy;
  /** Tokens spent and not yet refilled, as far as this node knows. */
  spent: number;
  /** When `spent` was computed. */
  at: number;
  /** Attempts that are reserving or running. */
  active: number;
  /** Attempts that are running: their tokens may be returned. */
  running: number;
  /** Number of attempts that have ended. */
  ended: number;
  waiting: (() => void)[];
}

interface IpRateLimiterOptions {
  /** The limiter that all nodes share; without one this node counts for itself. */
  limiter?: Pick<Limiter, 'consume' | 'state'>;
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
  /** Hashes an address, which so becomes no key of the shared limiter's store. */
  hash?: (address: string) => string;
}

export function createIpRateLimiter(
  perMinute: number,
  { limiter, now = () => performance.now(), hash = (address) => address }: IpRateLimiterOptions = {},
): IpRateLimiter {
  const buckets = new LRUCache<string, Bucket>({ max: IPS_MAX });

  const bucketOf = (ip: string, { purpose = 'key' }: IpLimitOptions): Bucket => {
    const subject = `{ip:${hash(networkOf(ip))}}:${purpose}` as const;
    const bucket = buckets.get(subject) ?? newBucket(subject);
    buckets.set(subject, bucket);
    return bucket;
  };

  const newBucket = (subject: RatePolicy['subject']): Bucket => {
    const policy = {
      name: 'client-ip',
      window: 'minute',
      subject,
      limit: perMinute,
    } as const;
    return { policy, spent: 0, at: now(), active: 0, running: 0, ended: 0, waiting: [] };
  };

  /** Refills the bucket. Returns the tokens that are left, those of active attempts included. */
  const tokensLeft = (bucket: Bucket): number => {
    const time = now();
    bucket.spent = Math.max(0, bucket.spent - ((time - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = time;
    return perMinute - bucket.spent + EPSILON;
  };

  /** Takes a token from the shared limiter, or with -1 returns it. Returns the seconds until there is one; 0 on success. */
  const consumeShared = async (
    { policy }: Bucket,
    tokens: 1 | -1,
    { failClosed = false }: IpLimitOptions,
  ): Promise<number> => {
    if (!limiter || limiter.state === 'local' || (limiter.state !== 'redis' && !failClosed)) return 0;
    return (await limiter.consume([policy], { minute: tokens, day: 0 }, { failClosed })).retryAfterSeconds;
  };

  const begin = async (bucket: Bucket, options: IpLimitOptions): Promise<void> => {
    for (;;) {
      const left = tokensLeft(bucket);
      if (left < 1) throw rateLimited(perMinute, ((1 - left) * MINUTE_MS) / perMinute);
      if (bucket.active >= CONCURRENT_MAX || left - bucket.active < 1) await nextEnd(bucket);
      else if (await reserve(bucket, options)) return;
    }
  };

  const nextEnd = ({ waiting }: Bucket) => new Promise<void>((resolve) => waiting.push(resolve));

  /** Takes a token from the shared limiter. Returns false if there was none: the caller looks again at what is left. */
  const reserve = async (bucket: Bucket, options: IpLimitOptions): Promise<boolean> => {
    const { ended } = bucket;
    bucket.active++;
    let seconds = 0;
    try {
      seconds = await consumeShared(bucket, 1, options);
    } catch (error) {
      release(bucket);
      throw error;
    }
    if (seconds === 0) {
      bucket.running++;
      return true;
    }
    if (bucket.running > 0) {
      // Nothing is awaited between this check and the wait, so no end of a running attempt is missed.
      bucket.active--;
      await nextEnd(bucket);
      return false;
    }
    if (bucket.ended !== ended) {
      // An attempt ended during the request to the shared limiter and may have returned its token.
      release(bucket);
      return false;
    }
    // Other nodes have spent the tokens.
    bucket.spent = Math.max(bucket.spent, perMinute - 1 + (seconds * perMinute) / 60);
    release(bucket);
    return false;
  };

  const end = (bucket: Bucket, cost: 0 | 1): void => {
    bucket.running--;
    bucket.ended++;
    bucket.spent += cost;
    release(bucket);
  };

  const release = (bucket: Bucket): void => {
    bucket.active--;
    const left = tokensLeft(bucket);
    const permits = Math.min(left, CONCURRENT_MAX) - bucket.active;
    // Wakes as many attempts as may run; all of them when none may, so that they are rejected.
    const woken = left < 1 ? bucket.waiting.length : Math.max(0, Math.floor(permits));
    for (const wake of bucket.waiting.splice(0, woken)) wake();
  };

  return {
    async consume(ip, options = {}) {
      const bucket = bucketOf(ip, options);
      await begin(bucket, options);
      end(bucket, 1);
    },
    async attempt(ip, work, options = {}) {
      const bucket = bucketOf(ip, options);
      await begin(bucket, options);
      let cost: 0 | 1 = 0;
      try {
        return await work();
      } catch (error) {
        // An internal error is not the caller's fault.
        if (error instanceof Problem) cost = 1;
        throw error;
      } finally {
        // Not awaited: a token that cannot be returned is refilled over time.
        if (cost === 0) consumeShared(bucket, -1, {}).catch(() => undefined);
        end(bucket, cost);
      }
    },
  };
}

function rateLimited(perMinute: number, waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new Problem('rate_limited', {
    detail: `More than ${perMinute} requests a minute without a valid key came from this IP address. Try again in ${seconds} s.`,
    headers: { 'Retry-After': String(seconds) },
    extra: { 'violated-policies': ['client-ip'], retry_after_seconds: seconds },
  });
}

/**
 * Returns what a client IP is counted as: an IPv4 address itself, also when mapped into IPv6; of an IPv6 address its /64, which is
 * what one household or machine has.
 */
export function networkOf(ip: string): string {
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [left, right] = plain.split('::').map((part) => part.split(':').filter(Boolean)) as [string[], string[]?];
  const zeros = right ? Array<string>(8 - left.length - right.length).fill('0') : [];
  const network = [...left, ...zeros, ...(right ?? [])].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
