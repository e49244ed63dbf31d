import type Router from '@koa/router';
import type { Context } from 'koa';
import type { PipelineDependencies } from '../../../pipeline/dependencies.ts';
import { receiveFromWhop } from '../../../pipeline/whop-webhooks.ts';
import { readBytes } from '../../koa.ts';

/** Whop's webhooks: 200 once one is kept, 503 while it cannot be, so that Whop sends it again. */
export function webhookRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  router.post('/webhooks/whop', async (ctx: Context) => {
    // The bytes as they came: what is signed is not what a parser makes of them.
    const body = await readBytes(ctx, bodyBytesMax);
    await receiveFromWhop(pipeline, { header: (name) => ctx.get(name), body }, ctx.ip);
    ctx.body = { received: true };
  });
}
