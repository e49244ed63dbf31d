import type { Context } from 'koa';
import { type BrowserSignIn, findSignedInUser } from '../auth/browser-sign-in.ts';
import { signInPath } from '../auth/landing-path.ts';
import { getCookie, isSecureService, SESSION_COOKIE, setCookie } from './cookies.ts';

/**
 * Redirects a browser that is not signed in to the sign-in page, which leads back to the requested page of the dashboard. Extends the
 * session of one that is.
 * @returns whether the browser is signed in; otherwise the response is complete
 * @throws Problem `rate_limited`
 */
export async function requireSession(
  ctx: Context,
  signIn: Pick<BrowserSignIn, 'database' | 'ipLimiter' | 'now' | 'publicUrl'>,
): Promise<boolean> {
  const isSecure = isSecureService(signIn.publicUrl());
  const user = await findSignedInUser(signIn, ctx.ip, getCookie(ctx, isSecure, SESSION_COOKIE));
  if (user?.extended) setCookie(ctx, isSecure, SESSION_COOKIE, user.extended);
  if (!user) ctx.redirect(signInPath(ctx.path + ctx.search));
  return user !== undefined;
}
