import type Router from '@koa/router';
import type { Context } from 'koa';
import type { PipelineDependencies } from '../../../pipeline/dependencies.ts';
import { receiveFromGithub } from '../../../pipeline/leaked-keys.ts';
import { readBytes } from '../../koa.ts';

/** GitHub's secret scanning: keys that it found in public are revoked; it is told which of them were keys. */
export function secretScanningRoutes(router: Router, pipeline: PipelineDependencies, bodyBytesMax: number): void {
  router.post('/webhooks/github/secret-scanning', async (ctx: Context) => {
    const body = await readBytes(ctx, bodyBytesMax);
    const identifier = ctx.get('Github-Public-Key-Identifier');
    const signature = ctx.get('Github-Public-Key-Signature');
    ctx.body = await receiveFromGithub(pipeline, { body, identifier, signature }, ctx.ip);
  });
}
