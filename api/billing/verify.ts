import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/*
 * Verifies the signatures of Whop's webhooks over the raw body. Neither `standardwebhooks` nor Whop's own package is used: they do
 * not support Whop's secrets verbatim, several secrets, or the older formats.
 */

/** Maximum difference between a webhook's timestamp and the local clock. */
export const TOLERANCE_SECONDS = 300;

export interface SignedRequest {
  /** Returns a header by its lower-case name; '' when it is missing. */
  header: (name: string) => string;
  body: Buffer;
}

interface VerifyOptions {
  /** A signature by any of them is accepted. With none, nothing is. */
  secrets: readonly string[];
  /** Also accepts the hex digest of the body alone. */
  legacySignatures: boolean;
  now: Date;
}

interface Verified {
  /** The same for every delivery of one event; undefined for the format without id and timestamp. */
  webhookId: string | undefined;
}

/** Verifies a request; undefined unless one of the secrets signed it within {@link TOLERANCE_SECONDS}. */
export function verifySignature(request: SignedRequest, options: VerifyOptions): Verified | undefined {
  if (request.header('webhook-signature')) return verifyV1(request, options);
  const signature = request.header('x-whop-signature');
  if (signature.includes('=')) return verifyV5(request, signature, options);
  return options.legacySignatures ? verifyBare(request, signature, options) : undefined;
}

/** v1: `v1,<base64>`, one or several, over id, time and body. */
function verifyV1({ header, body }: SignedRequest, options: VerifyOptions): Verified | undefined {
  const webhookId = header('webhook-id');
  const timestamp = header('webhook-timestamp');
  if (!webhookId || !isFresh(timestamp, options.now)) return undefined;
  const signed = Buffer.concat([Buffer.from(`${webhookId}.${timestamp}.`), body]);
  const given = header('webhook-signature')
    .split(' ')
    .filter((entry) => entry.startsWith('v1,'))
    .map((entry) => Buffer.from(entry.slice(3), 'base64'));
  return isSigned(signed, given, options.secrets) ? { webhookId } : undefined;
}

/** v5: `t=<unix>,v1=<hex>` over time and body. It has no event id, so the hash of both serves as one. */
function verifyV5({ body }: SignedRequest, signature: string, options: VerifyOptions): Verified | undefined {
  const fields = signature.split(',').map((field) => field.trim().split('=') as [string, string?]);
  const timestamp = fields.find(([name]) => name === 't')?.[1] ?? '';
  if (!isFresh(timestamp, options.now)) return undefined;
  const signed = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
  const given = fields.filter(([name]) => name === 'v1').map(([, hex = '']) => Buffer.from(hex, 'hex'));
  if (!isSigned(signed, given, options.secrets)) return undefined;
  return { webhookId: `v5_${createHash('sha256').update(signed).digest('hex')}` };
}

/** The hex digest of the body alone. It has no timestamp and can be replayed. */
function verifyBare({ body }: SignedRequest, signature: string, { secrets }: VerifyOptions): Verified | undefined {
  return isSigned(body, [Buffer.from(signature, 'hex')], secrets) ? { webhookId: undefined } : undefined;
}

function isFresh(unixSeconds: string, now: Date): boolean {
  if (!/^\d{1,12}$/.test(unixSeconds)) return false;
  return Math.abs(Math.floor(now.getTime() / 1000) - Number(unixSeconds)) <= TOLERANCE_SECONDS;
}

/** Compares every pair, so that the duration does not reveal which one matched. */
function isSigned(signed: Buffer, given: readonly Buffer[], secrets: readonly string[]): boolean {
  const expected = secrets.flatMap(secretKeys).map((key) => createHmac('sha256', key).update(signed).digest());
  const fits = expected.flatMap((digest) =>
    given.map((signature) => signature.length === digest.length && timingSafeEqual(signature, digest)),
  );
  return fits.includes(true);
}

/**
 * Returns the keys that a secret may stand for: Whop's `ws_…` is the key itself, prefix included; `whsec_…` of Standard Webhooks is
 * base64, but some senders use it literally.
 */
function secretKeys(secret: string): Buffer[] {
  const literal = Buffer.from(secret);
  return secret.startsWith('whsec_') ? [Buffer.from(secret.slice(6), 'base64'), literal] : [literal];
}
