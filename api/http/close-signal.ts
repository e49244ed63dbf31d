import type { Context } from 'koa';

/** Returns a controller that aborts when the client closes the connection before it has the response. */
export function abortOnClose(ctx: Context): AbortController {
  const controller = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) controller.abort('closed');
  });
  return controller;
}
