import { WebhookVerificationError } from './errors.ts';
import type { WebhookEvent } from './generated/types.ts';

/** Options of {@link verifyWebhook}. */
export interface VerifyOptions {
  /** Largest difference between the time of the request and the present. Default 300. */
  toleranceSeconds?: number;
  /** Present time, in milliseconds since 1970. */
  now?: number;
}

const encoder = new TextEncoder();

/**
 * Verifies a request to a webhook by the Standard Webhooks specification, and returns its event.
 * @param body the body as received, before it is parsed
 * @param headers of the request, in any case
 * @param secret `whsec_…`; several while one replaces the other
 * @throws WebhookVerificationError for a wrong or missing signature, and for a time out of tolerance
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const header = readerOf(headers);
  const [id, timestamp, signatures] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  const differenceSeconds = Math.abs(now / 1000 - Number(timestamp));
  if (!(differenceSeconds <= toleranceSeconds))
    throw new WebhookVerificationError('webhook-timestamp: out of tolerance.');
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = encoder.encode(`${id}.${timestamp}.${text}`);
  for (const one of typeof secret === 'string' ? [secret] : secret) {
    if (await isSignedWith(one, signed, signatures)) return JSON.parse(text);
  }
  throw new WebhookVerificationError('webhook-signature: no signature of the secret.');
}

/** Compares in constant time, by `crypto.subtle.verify`. */
async function isSignedWith(secret: string, signed: Uint8Array<ArrayBuffer>, signatures: string): Promise<boolean> {
  const bytes = bytesOf(secret.replace(/^whsec_/, ''));
  if (!bytes) throw new WebhookVerificationError('The secret is not of the form `whsec_…`.');
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  for (const signature of signatures.split(' ')) {
    const given = signature.startsWith('v1,') ? bytesOf(signature.slice(3)) : undefined;
    if (given && (await crypto.subtle.verify('HMAC', key, given, signed))) return true;
  }
  return false;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function readerOf(headers: Headers | Record<string, string | string[] | undefined>): (name: string) => string {
  if (headers instanceof Headers) return (name) => headers.get(name) ?? '';
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const byName = new Map(entries);
  return (name) => String(byName.get(name) ?? '');
}
