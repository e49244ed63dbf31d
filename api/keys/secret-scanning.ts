import { createVerify } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';

/** GitHub's published keys by identifier. */
type PublicKeys = Map<string, string>;

/** Verifies signatures of GitHub's secret scanning. */
export interface SecretScanning {
  /**
   * @param body the raw bytes of the request
   * @throws Problem `unavailable` while GitHub's keys cannot be read
   */
  isSigned(body: Buffer, identifier: string, signature: string): Promise<boolean>;
}

const publishedKeys = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })),
});

const TIMEOUT_MS = 5_000;
/** Keys are fetched again after this time, because GitHub may withdraw one. */
const KEYS_AGE_MAX_MS = HOUR_MS;
/** Minimum time between fetches for an unknown identifier, which anyone can invent. */
const REFRESH_INTERVAL_MS = MINUTE_MS;

/**
 * Checks the signatures of GitHub's secret scanning: ECDSA with SHA-256 over the raw body, by the key that a header names.
 * @param metaUrl URL at which GitHub publishes the keys
 * @param now a monotonic clock in milliseconds
 */
export function secretScanning(metaUrl: string, now: () => number = () => performance.now()): SecretScanning {
  let keys: PublicKeys | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<PublicKeys> | undefined;

  async function findPublicKey(identifier: string): Promise<string | undefined> {
    const age = now() - readAt;
    const isStale = !keys || age > KEYS_AGE_MAX_MS || (!keys.has(identifier) && age > REFRESH_INTERVAL_MS);
    if (isStale) {
      reading ??= fetchPublicKeys(metaUrl).finally(() => {
        reading = undefined;
      });
      keys = await reading;
      readAt = now();
    }
    return keys?.get(identifier);
  }

  return {
    async isSigned(body, identifier, signature) {
      if (!identifier || !signature) return false;
      const key = await findPublicKey(identifier);
      if (!key) return false;
      try {
        return createVerify('sha256').update(body).verify(key, signature, 'base64');
      } catch {
        // Not a signature in any known encoding.
        return false;
      }
    },
  };
}

async function fetchPublicKeys(url: string): Promise<PublicKeys> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    if (!response.ok) throw new Error(`${url} responded with ${response.status}`);
    const { public_keys } = publishedKeys.parse(await response.json());
    return new Map(public_keys.map(({ key_identifier, key }) => [key_identifier, key]));
  } catch (error) {
    const detail = "GitHub's public keys cannot be read at the moment.";
    throw new Problem('unavailable', { detail, headers: { 'Retry-After': '60' } }, error);
  }
}
