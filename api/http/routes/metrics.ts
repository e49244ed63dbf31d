import { createHash, timingSafeEqual } from 'node:crypto';
import type Router from '@koa/router';
import { Problem } from '../../errors.ts';
import type { PipelineDependencies } from '../../pipeline/dependencies.ts';

/** Serves `GET /metrics` to callers with the token. Without a configured token the route does not exist. */
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

/** Compares two strings in constant time. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
