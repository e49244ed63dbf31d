import type Router from '@koa/router';
import type { Context } from 'koa';
import { acceptWebhook } from '../../../billing/inbox.ts';
import type { SignedRequest } from '../../../billing/verify.ts';
import { Problem } from '../../../errors.ts';
import type { PipelineDependencies } from '../../../pipeline/dependencies.ts';
import { readBytes } from '../../body.ts';

/**
 * Receives Whop's webhooks. Responds 200 once the event is stored, and 503 while it cannot be, so that Whop sends it again.
 * The signature covers the raw bytes, so the body is not parsed before it is verified.
 */
export function whopWebhookRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  router.post('/webhooks/whop', async (ctx: Context) => {
    const body = await readBytes(ctx, bodyBytesMax);
    await receive(pipeline, { header: (name) => ctx.get(name), body }, ctx.ip);
    ctx.body = { received: true };
  });
}

/**
 * Stores a webhook for processing. Only requests with an invalid signature count against the limit of the client IP, so Whop
 * itself is never limited.
 * @throws Problem `invalid_signature`, `rate_limited`, `malformed_request`; `not_found` where nothing is sold
 */
async function receive(
  { billing, ipLimiter }: PipelineDependencies,
  request: SignedRequest,
  clientIp: string,
): Promise<void> {
  if (!billing) throw new Problem('not_found', { detail: 'This service sells no plans: WHOP_API_KEY is not set.' });
  try {
    await acceptWebhook(billing, request);
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid_signature') {
      billing.log.warn('rejected a webhook with an invalid signature');
      billing.metrics.webhookRejected();
      await ipLimiter.consume(clientIp, { purpose: 'webhook' });
    }
    throw error;
  }
}
