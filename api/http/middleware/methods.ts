import type { Middleware, Next } from 'koa';
import { Problem } from '../../errors.ts';

/**
 * Refuses a method that an address does not take, naming those it does (RFC 9110, 15.5.6): the router's own way to throw
 * loses the `Allow` header.
 * @param allowedMethods the router's middleware, which answers OPTIONS too
 * @throws Problem `method_not_allowed`
 */
export function refuseOtherMethods(allowedMethods: (ctx: never, next: Next) => unknown): Middleware {
  return async function otherMethods(ctx, next) {
    await allowedMethods(ctx as never, next);
    if (ctx.status !== 405 && ctx.status !== 501) return;
    throw new Problem('method_not_allowed', { headers: { Allow: ctx.response.get('Allow') } });
  };
}
