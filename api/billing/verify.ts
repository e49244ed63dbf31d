import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/*
 * Signatures of Whop's webhooks, over the bytes as they came. Not by way of `standardwebhooks` or Whop's own package:
 * neither takes Whop's secrets as they are, several of them, or the older formats.
 */

/** How far a webhook's time may be from ours. */
export const TOLERANCE_SECONDS = 300;

export interface SignedRequest {
  /** A header by its lower-case name; '' when there is none. */
  header: (name: string) => string;
  body: Buffer;
}

export interface VerifyOptions {
  /** Any of them may have signed. With none, nothing is accepted. */
  secrets: readonly string[];
  /** Takes the hex digest of the body alone, too. */
  legacySignatures: boolean;
  now: Date;
}

export interface Verified {
  /** The same for every delivery of one event; undefined for a format that names and dates none. */
  webhookId: string | undefined;
}

/** Who sent a request, or rather what it is: undefined unless one of the secrets signed it, and lately. */
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

/** v5: `t=<unix>,v1=<hex>` over time and body. It names no event, so its bytes at their time do. */
function verifyV5({ body }: SignedRequest, signature: string, options: VerifyOptions): Verified | undefined {
  const fields = signature.split(',').map((field) => field.trim().split('=') as [string, string?]);
  const timestamp = fields.find(([name]) => name === 't')?.[1] ?? '';
  if (!isFresh(timestamp, options.now)) return undefined;
  const signed = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
  const given = fields.filter(([name]) => name === 'v1').map(([, hex = '']) => Buffer.from(hex, 'hex'));
  if (!isSigned(signed, given, options.secrets)) return undefined;
  return { webhookId: `v5_${createHash('sha256').update(signed).digest('hex')}` };
}

/** The hex digest of the body alone, which can be sent again by whoever saw it once. */
function verifyBare({ body }: SignedRequest, signature: string, { secrets }: VerifyOptions): Verified | undefined {
  return isSigned(body, [Buffer.from(signature, 'hex')], secrets) ? { webhookId: undefined } : undefined;
}

function isFresh(unixSeconds: string, now: Date): boolean {
  if (!/^\d{1,12}$/.test(unixSeconds)) return false;
  return Math.abs(Math.floor(now.getTime() / 1000) - Number(unixSeconds)) <= TOLERANCE_SECONDS;
}

/** Every pair is compared, so that the time tells nothing of which one fits. */
function isSigned(signed: Buffer, given: readonly Buffer[], secrets: readonly string[]): boolean {
  const expected = secrets.flatMap(secretKeys).map((key) => createHmac('sha256', key).update(signed).digest());
  const fits = expected.flatMap((digest) =>
    given.map((signature) => signature.length === digest.length && timingSafeEqual(signature, digest)),
  );
  return fits.includes(true);
}

/**
 * Whop's `ws_…` is the key as it stands, prefix and all; `whsec_…` of Standard Webhooks is base64, and some take it
 * literally.
 */
function secretKeys(secret: string): Buffer[] {
  const literal = Buffer.from(secret);
  return secret.startsWith('whsec_') ? [Buffer.from(secret.slice(6), 'base64'), literal] : [literal];
}
