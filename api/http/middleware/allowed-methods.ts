import type { Middleware, Next } from 'koa';
import { Problem } from '../../errors.ts';

/**
 * Rejects a method that a path does not support and names the supported ones (RFC 9110, 15.5.6). The router's own way to throw
 * loses the `Allow` header.
 * @param allowedMethods the router's middleware, which also responds to OPTIONS
 * @throws Problem `method_not_allowed`
 */
export function rejectOtherMethods(allowedMethods: (ctx: never, next: Next) => unknown): Middleware {
  return async function allowedMethodsOnly(ctx, next) {
    await allowedMethods(ctx as never, next);
    if (ctx.status !== 405 && ctx.status !== 501) return;
    throw new Problem('method_not_allowed', { headers: { Allow: ctx.response.get('Allow') } });
  };
}
