import type Router from '@koa/router';
import { VERSION } from '../../version.ts';

/**
 * The response of `/ready`: 200 while `ready` is true, otherwise 503. A node whose database has a full disk is ready: it answers reads.
 */
export interface Readiness {
  ready: boolean;
  database: 'ok' | 'disk_full' | 'unreachable';
  migrations: 'current' | 'pending' | 'unknown';
  limiter: 'local' | 'redis' | 'redis_unavailable';
  /** `semantic` is also `degraded` while newly written memories wait longer than a minute for their vectors. */
  search: { lexical: 'ready'; semantic: 'disabled' | 'loading' | 'ready' | 'degraded' };
  /** Newly written memories that wait for their vectors, and how long the oldest has waited; null if unknown. */
  embedding: { waiting: number; lag_seconds: number } | null;
}

/** Routes of the probes: `/health` (the process runs), `/ready` (it can serve requests) and `/version`. */
export function healthRoutes(router: Router, readiness: () => Promise<Readiness>, isStopping: () => boolean): void {
  router.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  const shared = shareConcurrent(readiness);
  router.get('/ready', async (ctx) => {
    const state = await shared();
    // Checked last: a balancer must send nothing more to a node that stops.
    const body = isStopping() ? { ...state, ready: false, stopping: true } : state;
    ctx.status = body.ready ? 200 : 503;
    ctx.body = body;
  });
  router.get('/version', (ctx) => {
    ctx.body = { name: 'whitemagic', version: VERSION, node: process.version };
  });
}

/** Makes concurrent calls share one execution: anybody may call a probe, as often as they like. */
function shareConcurrent<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
