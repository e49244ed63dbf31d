import type Router from '@koa/router';
import { VERSION } from '../../version.ts';

/** What `/ready` answers. `ready` false is a 503. */
export interface Readiness {
  ready: boolean;
  database: 'ok' | 'unreachable';
  migrations: 'current' | 'pending' | 'unknown';
  limiter: 'local' | 'redis' | 'redis: degraded';
  search: { lexical: 'ready'; semantic: 'disabled' | 'loading' | 'ready' | 'degraded' };
}

/** `/health` (the process lives), `/ready` (it can serve), `/version`. */
export function healthRoutes(router: Router, readiness: () => Promise<Readiness>): void {
  router.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/ready', async (ctx) => {
    const state = await readiness();
    ctx.status = state.ready ? 200 : 503;
    ctx.body = state;
  });
  router.get('/version', (ctx) => {
    ctx.body = { name: 'whitemagic', version: VERSION, node: process.version };
  });
}
