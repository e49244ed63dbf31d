import { describe, expect, it } from 'vitest';
import { hashKey } from '../../../api/keys/key-format.ts';
import { createKeyCheckQueue } from '../../../api/pipeline/key-check-queue.ts';

const VALID = hashKey('valid');

/** A queue that counts its queries and their keys. */
function countingQueue() {
  const queries: number[] = [];
  const queue = createKeyCheckQueue(async (hashes) => {
    queries.push(hashes.length);
    return hashes.filter((hash) => hash.equals(VALID));
  });
  return { queue, queries };
}

describe('key check queue', () => {
  it('checks many keys with few queries, and finds the valid one', async () => {
    const { queue, queries } = countingQueue();
    const bad = Array.from({ length: 90 }, (_, n) => queue.isValid(hashKey(`bad ${n}`), '192.0.2.1'));
    const [valid, ...others] = await Promise.all([queue.isValid(VALID, '192.0.2.1'), ...bad]);
    expect(valid).toBe(true);
    expect(others).toEqual(Array(90).fill(false));
    expect(queries.length).toBeLessThanOrEqual(2);
  });

  it('rejects what one network sends beyond its places, and serves others', async () => {
    const { queue, queries } = countingQueue();
    const flood = Array.from({ length: 5_000 }, (_, n) => queue.isValid(hashKey(`bad ${n}`), `2001:db8::${n % 99}`));
    expect(await queue.isValid(VALID, '192.0.2.2')).toBe(true);
    await Promise.all(flood);
    expect(queries.reduce((sum, keys) => sum + keys, 0)).toBeLessThanOrEqual(102);
  });

  it('asks once for a key that waits already', async () => {
    const { queue, queries } = countingQueue();
    const first = queue.isValid(hashKey('first'), '192.0.2.1');
    const same = Array.from({ length: 50 }, () => queue.isValid(VALID, '192.0.2.1'));
    expect(await Promise.all(same)).toEqual(Array(50).fill(true));
    await first;
    expect(queries.reduce((sum, keys) => sum + keys, 0)).toBe(2);
  });

  it('passes on that the database is lost, and works again afterwards', async () => {
    let isLost = true;
    const queue = createKeyCheckQueue(async (hashes) => {
      if (isLost) throw new Error('lost');
      return [...hashes];
    });
    await expect(queue.isValid(VALID, '192.0.2.1')).rejects.toThrow('lost');
    isLost = false;
    expect(await queue.isValid(VALID, '192.0.2.1')).toBe(true);
  });
});
