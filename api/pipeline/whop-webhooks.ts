import { acceptWebhook } from '../billing/inbox.ts';
import type { SignedRequest } from '../billing/verify.ts';
import { Problem } from '../errors.ts';
import type { PipelineDependencies } from './dependencies.ts';

/**
 * Stores a webhook from Whop for processing. Only requests with an invalid signature count against the limit of the client
 * IP, so Whop itself is never limited.
 * @throws Problem `bad_signature`, `rate_limited`, `malformed_request`; `not_found` where nothing is sold
 */
export async function receiveFromWhop(
  { billing, ipLimiter }: PipelineDependencies,
  request: SignedRequest,
  address: string,
): Promise<void> {
  if (!billing) throw new Problem('not_found', { detail: 'Nothing is sold here: WHOP_API_KEY is not set.' });
  try {
    await acceptWebhook(billing, request);
  } catch (error) {
    if (error instanceof Problem && error.code === 'bad_signature') {
      billing.log.warn('rejected a webhook with an invalid signature');
      billing.metrics.webhookRejected();
      await ipLimiter.consume(address);
    }
    throw error;
  }
}
