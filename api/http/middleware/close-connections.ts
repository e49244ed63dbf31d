import type { Middleware } from 'koa';

/** Closes the connection after each response once the service stops, so that clients open the next one to another node. */
export function closeConnections(isStopping: () => boolean): Middleware {
  return async function closeWhileStopping(ctx, next) {
    await next();
    if (isStopping()) ctx.set('Connection', 'close');
  };
}
