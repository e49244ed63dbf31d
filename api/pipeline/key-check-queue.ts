import { setTimeout as sleep } from 'node:timers/promises';
import { networkOf } from '../limits/ip-rate-limiter.ts';

/** Keys that wait, of one client IP and of all, and keys per query. */
const WAITING_PER_IP_MAX = 100;
const WAITING_MAX = 1_000;
const KEYS_PER_QUERY = 200;
const PAUSE_MS = 100;

/**
 * Checks keys of client IPs that have used up their limit of bad keys. Many callers may share an IP (an office, a proxy that is
 * not configured), so a valid key is never rejected for the bad keys of another caller. The cost stays bounded: one query at a
 * time checks up to {@link KEYS_PER_QUERY} keys, at most ten times a second, however many keys arrive.
 */
export interface KeyCheckQueue {
  /** Returns whether a key with this SHA-256 is valid; false, without a query, while too many keys wait. */
  isValid(hash: Buffer, ip: string): Promise<boolean>;
}

interface WaitingKey {
  hash: Buffer;
  network: string;
  result: Promise<boolean>;
  resolve: (isValid: boolean) => void;
  reject: (error: unknown) => void;
}

/** @param findValid returns the hashes of the given ones that are those of valid keys */
export function createKeyCheckQueue(findValid: (hashes: readonly Buffer[]) => Promise<Buffer[]>): KeyCheckQueue {
  const waiting = new Map<string, WaitingKey>();
  const countByNetwork = new Map<string, number>();
  let isRunning = false;

  const takeBatch = (): WaitingKey[] => {
    const batch = [...waiting.values()].slice(0, KEYS_PER_QUERY);
    for (const { hash, network } of batch) {
      waiting.delete(idOf(hash));
      const left = (countByNetwork.get(network) ?? 1) - 1;
      if (left > 0) countByNetwork.set(network, left);
      else countByNetwork.delete(network);
    }
    return batch;
  };

  const check = async (batch: readonly WaitingKey[]): Promise<void> => {
    try {
      const valid = new Set((await findValid(batch.map(({ hash }) => hash))).map(idOf));
      for (const { hash, resolve } of batch) resolve(valid.has(idOf(hash)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      await check(takeBatch());
      await sleep(PAUSE_MS, undefined, { ref: false });
    }
    isRunning = false;
  };

  return {
    isValid(hash, ip) {
      const network = networkOf(ip);
      const same = waiting.get(idOf(hash));
      if (same) return same.result;
      const ofNetwork = countByNetwork.get(network) ?? 0;
      if (ofNetwork >= WAITING_PER_IP_MAX || waiting.size >= WAITING_MAX) return Promise.resolve(false);
      const settle = {} as Pick<WaitingKey, 'resolve' | 'reject'>;
      const result = new Promise<boolean>((resolve, reject) => Object.assign(settle, { resolve, reject }));
      waiting.set(idOf(hash), { hash, network, result, ...settle });
      countByNetwork.set(network, ofNetwork + 1);
      if (!isRunning) void run();
      return result;
    },
  };
}

function idOf(hash: Buffer): string {
  return hash.toString('base64');
}
