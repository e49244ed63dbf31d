import { createHash, timingSafeEqual } from 'node:crypto';
import type Router from '@koa/router';
import { Problem } from '../../errors.ts';
import type { PipelineDependencies } from '../../pipeline/dependencies.ts';

/** `GET /metrics` for who has the token; without one set there is no such address. */
export function metricsRoutes(
  router: Router,
  metrics: PipelineDependencies['metrics'],
  token: string | undefined,
): void {
  if (token === undefined) return;
  router.get('/metrics', async (ctx) => {
    if (!isSame(ctx.get('Authorization'), `Bearer ${token}`)) {
      throw new Problem('unauthenticated', {
        detail: 'Send METRICS_TOKEN as the bearer token.',
        headers: { 'WWW-Authenticate': 'Bearer realm="metrics"' },
      });
    }
    const { type, body } = await metrics.text();
    ctx.set('Content-Type', type);
    ctx.body = body;
  });
}

/** Compares in a time that tells nothing of either. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
