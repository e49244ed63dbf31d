import { isIP } from 'node:net';
import { Problem } from '../errors.ts';
import { EPSILON, MINUTE_MS } from './limiter.ts';

/** Calls without a valid key that one address may make: so many at once, and as many again over each minute. */
export const CALLS_PER_ADDRESS = 60;
const ADDRESSES_MAX = 50_000;

/** Limits, in this process, what comes from one address before anybody knows who it is. An IPv6 address counts by its /64. */
export interface AddressLimiter {
  /** Calls that one address may make over a minute. */
  readonly perMinute: number;
  /**
   * Takes a call from an address.
   * @throws Problem `rate_limited`
   */
  take(address: string): Promise<void>;
  /**
   * Does what costs a call only when it ends in a refusal (a `Problem`). While all that is left is in the hands of others whose
   * attempts are under way, it waits for one of them: many good callers of one address are never refused.
   * @throws Problem `rate_limited`, without having done it
   */
  attempt<T>(address: string, work: () => Promise<T>): Promise<T>;
}

interface Bucket {
  /** Calls taken and not yet paid back by time. */
  spent: number;
  at: number;
  underWay: number;
  waiting: (() => void)[];
}

/** @param now milliseconds of a clock that is never set back */
export function addressLimiter(perMinute: number, now: () => number = () => performance.now()): AddressLimiter {
  /** Longest unused first. */
  const buckets = new Map<string, Bucket>();

  const bucketOf = (address: string): Bucket => {
    const subject = subjectOf(address);
    const bucket = buckets.get(subject) ?? { spent: 0, at: now(), underWay: 0, waiting: [] };
    buckets.delete(subject);
    buckets.set(subject, bucket);
    if (buckets.size > ADDRESSES_MAX) buckets.delete(buckets.keys().next().value as string);
    return bucket;
  };

  /** Calls that may still be spent, those under way not counted. */
  const left = (bucket: Bucket): number => {
    const time = now();
    bucket.spent = Math.max(0, bucket.spent - ((time - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = time;
    return perMinute - bucket.spent + EPSILON;
  };

  const begin = async (bucket: Bucket): Promise<void> => {
    for (;;) {
      const free = left(bucket);
      if (free < 1) throw refusal(perMinute, ((1 - free) * MINUTE_MS) / perMinute);
      if (free - bucket.underWay >= 1) break;
      await new Promise<void>((resolve) => bucket.waiting.push(resolve));
    }
    bucket.underWay++;
  };

  const end = (bucket: Bucket, cost: 0 | 1): void => {
    bucket.underWay--;
    bucket.spent += cost;
    const free = left(bucket);
    // As many as can pass; all of them, to be refused, when nobody can.
    const woken = free < 1 ? bucket.waiting.length : Math.floor(free - bucket.underWay);
    for (const wake of bucket.waiting.splice(0, woken)) wake();
  };

  return {
    perMinute,
    async take(address) {
      const bucket = bucketOf(address);
      await begin(bucket);
      end(bucket, 1);
    },
    async attempt(address, work) {
      const bucket = bucketOf(address);
      await begin(bucket);
      let cost: 0 | 1 = 0;
      try {
        return await work();
      } catch (error) {
        // What failed by our own fault says nothing against the caller.
        if (error instanceof Problem) cost = 1;
        throw error;
      } finally {
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
