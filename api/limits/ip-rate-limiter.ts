import { isIP } from 'node:net';
import { Problem } from '../errors.ts';
import { MINUTE_MS } from '../time.ts';
import { EPSILON, type Limiter, type RatePolicy } from './local-limiter.ts';

/** Calls without a valid key that one address may make: so many at once, and as many again over each minute. */
export const CALLS_PER_ADDRESS = 60;
const ADDRESSES_MAX = 50_000;
/** Attempts of one address that a node has under way at once. A few nodes together then never hold all that an address may spend. */
const UNDER_WAY_MAX = 10;

export interface AddressOptions {
  /** Refuses while nodes that count together cannot. */
  closed?: boolean;
}

/**
 * Limits what comes from one address before anybody knows who it is: on this node, and on all that count together. An IPv6 address
 * counts by its /64. What this node knows to be used up is refused without asking anybody.
 */
export interface AddressLimiter {
  /**
   * Takes a call from an address.
   * @throws Problem `rate_limited`; `unavailable` by `closed`
   */
  take(address: string, options?: AddressOptions): Promise<void>;
  /**
   * Does what costs a call only when it ends in a refusal (a `Problem`). While all that is left is in the hands of others whose
   * attempts are under way here, it waits for one of them: many good callers of one address are not refused.
   * @throws Problem `rate_limited`, without having done it
   */
  attempt<T>(address: string, work: () => Promise<T>): Promise<T>;
}

interface Bucket {
  policy: RatePolicy;
  /** Calls taken and not yet paid back by time, as far as this node knows. */
  spent: number;
  at: number;
  /** Attempts that have begun, or are asking whether they may. */
  underWay: number;
  /** Those of them that have begun: what they hold may come back. */
  held: number;
  /** How many of them have ended. */
  ended: number;
  waiting: (() => void)[];
}

export interface AddressLimiterParts {
  /** Where nodes count together; without one this node counts for itself. */
  limiter?: Pick<Limiter, 'take' | 'state'>;
  /** Milliseconds of a clock that is never set back. */
  now?: () => number;
}

export function addressLimiter(
  perMinute: number,
  { limiter, now = () => performance.now() }: AddressLimiterParts = {},
): AddressLimiter {
  /** Longest unused first. */
  const buckets = new Map<string, Bucket>();

  const bucketOf = (address: string): Bucket => {
    const subject = subjectOf(address);
    const bucket = buckets.get(subject) ?? newBucket(subject);
    buckets.delete(subject);
    buckets.set(subject, bucket);
    if (buckets.size > ADDRESSES_MAX) buckets.delete(buckets.keys().next().value as string);
    return bucket;
  };

  const newBucket = (subject: string): Bucket => {
    const policy = {
      name: 'address',
      window: 'minute',
      subject: `{address:${subject}}:rpm`,
      limit: perMinute,
    } as const;
    return { policy, spent: 0, at: now(), underWay: 0, held: 0, ended: 0, waiting: [] };
  };

  /** Calls that may still be spent, those under way not counted. */
  const left = (bucket: Bucket): number => {
    const time = now();
    bucket.spent = Math.max(0, bucket.spent - ((time - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = time;
    return perMinute - bucket.spent + EPSILON;
  };

  /** Takes a call where nodes count together, or with -1 gives it back. Answers how many seconds until it would pass; 0 when it did. */
  const together = async ({ policy }: Bucket, calls: 1 | -1, { closed = false }: AddressOptions): Promise<number> => {
    if (!limiter || limiter.state === 'local' || (limiter.state !== 'redis' && !closed)) return 0;
    return (await limiter.take([policy], { minute: calls, day: 0 }, { closed })).retryAfterSeconds;
  };

  const begin = async (bucket: Bucket, options: AddressOptions): Promise<void> => {
    for (;;) {
      const free = left(bucket);
      if (free < 1) throw refusal(perMinute, ((1 - free) * MINUTE_MS) / perMinute);
      if (bucket.underWay >= UNDER_WAY_MAX || free - bucket.underWay < 1) await anotherEnds(bucket);
      else if (await reserve(bucket, options)) return;
    }
  };

  const anotherEnds = ({ waiting }: Bucket) => new Promise<void>((resolve) => waiting.push(resolve));

  /** Takes a call where nodes count together. Answers false when it is not to be had now. */
  const reserve = async (bucket: Bucket, options: AddressOptions): Promise<boolean> => {
    const { ended } = bucket;
    bucket.underWay++;
    let seconds = 0;
    try {
      seconds = await together(bucket, 1, options);
    } catch (error) {
      release(bucket);
      throw error;
    }
    if (seconds === 0) {
      bucket.held++;
      return true;
    }
    if (bucket.held > 0) {
      // It may come back when one of these ends, and not before. None of them can end unnoticed: nothing is awaited in between.
      bucket.underWay--;
      await anotherEnds(bucket);
      return false;
    }
    if (bucket.ended !== ended) {
      // It came back while we asked.
      release(bucket);
      return false;
    }
    // What went elsewhere is spent, for all that this node knows.
    bucket.spent = Math.max(bucket.spent, perMinute - 1 + (seconds * perMinute) / 60);
    release(bucket);
    return false;
  };

  const end = (bucket: Bucket, cost: 0 | 1): void => {
    bucket.held--;
    bucket.ended++;
    bucket.spent += cost;
    release(bucket);
  };

  const release = (bucket: Bucket): void => {
    bucket.underWay--;
    const free = left(bucket);
    const places = Math.min(free, UNDER_WAY_MAX) - bucket.underWay;
    // As many as can pass; all of them, to be refused, when nobody can.
    const woken = free < 1 ? bucket.waiting.length : Math.max(0, Math.floor(places));
    for (const wake of bucket.waiting.splice(0, woken)) wake();
  };

  return {
    async take(address, options = {}) {
      const bucket = bucketOf(address);
      await begin(bucket, options);
      end(bucket, 1);
    },
    async attempt(address, work) {
      const bucket = bucketOf(address);
      await begin(bucket, {});
      let cost: 0 | 1 = 0;
      try {
        return await work();
      } catch (error) {
        // What failed by our own fault says nothing against the caller.
        if (error instanceof Problem) cost = 1;
        throw error;
      } finally {
        // Not waited for; what cannot be given back comes back with time.
        if (cost === 0) together(bucket, -1, {}).catch(() => undefined);
        end(bucket, cost);
      }
    },
  };
}

function refusal(perMinute: number, waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new Problem('rate_limited', {
    detail: `More than ${perMinute} calls a minute without a valid key came from this address; try again in ${seconds} s.`,
    headers: { 'Retry-After': String(seconds) },
    extra: { 'violated-policies': ['address'], retry_after_seconds: seconds },
  });
}

/** What an address is counted as: one household or machine has a whole IPv6 /64, and an IPv4 address may come dressed as IPv6. */
export function subjectOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [left, right] = plain.split('::').map((part) => part.split(':').filter(Boolean)) as [string[], string[]?];
  const zeros = right ? Array<string>(8 - left.length - right.length).fill('0') : [];
  const network = [...left, ...zeros, ...(right ?? [])].slice(0, 4);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
