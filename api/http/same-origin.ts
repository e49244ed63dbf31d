import type { Context } from 'koa';
import { Problem } from '../errors.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Rejects a request that changes something on behalf of a session unless a page of this service sent it. `SameSite=Lax` keeps the
 * cookie from other sites, but not from the same site with another origin: another port of this host, or another subdomain. A
 * browser sends `Origin` with every unsafe request, or else says in `Sec-Fetch-Site` where it comes from.
 * @throws Problem `origin_not_allowed`
 */
export function rejectCrossOrigin(ctx: Context, publicUrl: string): void {
  const origin = ctx.get('Origin');
  const isOwn = origin === '' ? ctx.get('Sec-Fetch-Site') === 'same-origin' : isOwnOrigin(ctx, origin, publicUrl);
  if (isOwn) return;
  throw new Problem('origin_not_allowed', {
    detail: `A request with a session cookie must be sent by a page of ${publicUrl}. Programs send an API key instead.`,
  });
}

/** Returns whether the origin is that of this service: its public one, or on this machine the host name that the browser used. */
function isOwnOrigin(ctx: Context, origin: string, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (origin === own.origin) return true;
  return LOOPBACK.test(own.hostname) && LOOPBACK.test(ctx.hostname) && origin === `${own.protocol}//${ctx.host}`;
}
