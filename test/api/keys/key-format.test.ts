import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../api/errors.ts';
import { displayParts, generateKey, hashKey, isWellFormedKey } from '../../../api/keys/key-format.ts';
import { createIpRateLimiter } from '../../../api/limits/ip-rate-limiter.ts';
import { authenticate } from '../../../api/pipeline/authenticate.ts';
import { keyCache } from '../../../api/pipeline/key-cache.ts';
import { createKeyCheckQueue } from '../../../api/pipeline/key-check-queue.ts';
import type { Database } from '../../../db/client/database.ts';
import type { KeyOwnerRow } from '../../../db/queries/accounts/api-keys.ts';

describe('generateKey', () => {
  it('returns unique keys with the environment and 32 base62 characters', () => {
    const keys = Array.from({ length: 1_000 }, () => generateKey('live'));
    for (const key of keys) {
      expect(key).toMatch(/^wm_live_[0-9A-Za-z]{32}$/);
      expect(isWellFormedKey(key)).toBe(true);
    }
    expect(new Set(keys).size).toBe(1_000);
  });

  it('returns keys whose prefix and last four characters can be displayed', () => {
    expect(displayParts('wm_live_0123456789ABCDEFGHIJKLMNOPQRSTUV')).toEqual({ prefix: 'wm_live_', last4: 'STUV' });
  });

  it('returns keys that are stored as their SHA-256', () => {
    expect(hashKey('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('key checksum', () => {
  it('is the CRC32 of everything before it in base62, so that issued keys stay valid', () => {
    expect(isWellFormedKey(`wm_test_${'0'.repeat(26)}${checksumOf(`wm_test_${'0'.repeat(26)}`)}`)).toBe(true);
  });

  it('detects every wrong, missing or swapped character', () => {
    const key = generateKey('test');
    const start = 'wm_test_'.length;
    for (let at = start; at < key.length; at++) {
      const other = key[at] === 'x' ? 'y' : 'x';
      expect(isWellFormedKey(key.slice(0, at) + other + key.slice(at + 1)), `position ${at}`).toBe(false);
      expect(isWellFormedKey(key.slice(0, at) + key.slice(at + 1))).toBe(false);
      if (key[at] !== key[at + 1] && at + 1 < key.length) {
        expect(isWellFormedKey(key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2))).toBe(false);
      }
    }
    expect(isWellFormedKey(key.replace('wm_test_', 'wm_live_'))).toBe(false);
  });

  it.each([
    '',
    'wm_',
    'wm_test_',
    `wm_test_${'0'.repeat(31)}`,
    `wm_TEST_${'0'.repeat(32)}`,
    `sk_test_${'0'.repeat(32)}`,
  ])('is not computed for a string without the form of a key: "%s"', (text) =>
    expect(isWellFormedKey(text)).toBe(false),
  );
});

describe('authentication', () => {
  const keyCheckQueue = createKeyCheckQueue(async () => []);

  /** Dependencies of `authenticate` with an empty database that counts its queries. */
  function countingPipeline() {
    let queries = 0;
    const keys = keyCache(async () => {
      queries++;
      return undefined;
    });
    const now = () => new Date();
    const pipeline = { database: {} as Database, keys, keyCheckQueue, ipLimiter: createIpRateLimiter(60), now };
    return { pipeline, queries: () => queries };
  }
  const attempt = async (pipeline: Parameters<typeof authenticate>[0], key: string): Promise<Problem> =>
    authenticate(pipeline, { authorization: `Bearer ${key}`, address: '::1' }, 'rest', () => undefined).then(
      () => {
        throw new Error('was authenticated');
      },
      (problem: Problem) => problem,
    );

  it('queries the database never for a mistyped key and once for a well-formed one, with the same code', async () => {
    const { pipeline, queries } = countingPipeline();
    const key = generateKey('test');
    const mistyped = await attempt(pipeline, key.slice(0, -1) + (key.endsWith('0') ? '1' : '0'));
    for (const text of ['', 'x', 'x'.repeat(100_000), `${key}x`]) await attempt(pipeline, text);
    expect(queries()).toBe(0);
    const unknown = await attempt(pipeline, key);
    expect(queries()).toBe(1);
    expect([mistyped.code, unknown.code]).toEqual(['unauthenticated', 'unauthenticated']);
    expect(mistyped.data.headers).toEqual(unknown.data.headers);
  });

  it('checks the expiry of a cached key at every call, and records its use once a minute', async () => {
    let time = Date.UTC(2026, 0, 1);
    const expires_at = new Date(time + 3_000);
    let [lookups, touches] = [0, 0];
    const keys = keyCache(async () => {
      lookups++;
      return { ...OWNER, expires_at };
    });
    keys.onListening();
    const database = { owner: { query: async () => touches++ } } as unknown as Database;
    const now = () => new Date(time);
    const pipeline = { database, keys, keyCheckQueue, ipLimiter: createIpRateLimiter(60), now };
    const credentials = { apiKey: generateKey('test'), address: '::1' };
    const call = () => authenticate(pipeline, credentials, 'rest', () => undefined);
    for (let i = 0; i < 3; i++) {
      expect((await call()).userId).toBe('ada');
      time += 1_000;
    }
    expect([lookups, touches]).toEqual([1, 1]);
    await expect(call()).rejects.toMatchObject({ code: 'key_expired' });
    expect(lookups).toBe(1);
    await expect(call()).rejects.toMatchObject({ code: 'key_expired' });
    expect([lookups, touches]).toEqual([2, 1]);
  });
});

const OWNER: KeyOwnerRow = {
  user_id: 'ada',
  key_id: 'key',
  scopes: [],
  projects: null,
  rpm_limit: null,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  client_id: null,
  plan: 'pro',
  status: 'active',
  overrides: {},
};

/** An independent implementation of the checksum: CRC-32 (IEEE 802.3) as six base62 digits. */
function checksumOf(text: string): string {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  let rest = BigInt((crc ^ 0xffffffff) >>> 0);
  let digits = '';
  for (let digit = 0; digit < 6; digit++) {
    digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[Number(rest % 62n)] + digits;
    rest /= 62n;
  }
  return digits;
}
