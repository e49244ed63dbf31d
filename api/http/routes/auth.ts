import type Router from '@koa/router';
import type { Context } from 'koa';
import {
  type BrowserSignIn,
  type Cookie,
  createActivationUrl,
  findSignedInUser,
  finishLogin,
  signOut,
  startLogin,
} from '../../auth/browser-sign-in.ts';
import { Problem } from '../../errors.ts';

const SESSION_COOKIE = 'wm_session';
/** Of a log-in under way. */
const LOGIN_COOKIE = 'wm_login';

/** Signing in with Whop and out again, and `/welcome`, where Whop's checkout leads. */
export function authRoutes(router: Router, parts: BrowserSignIn): void {
  const isSecure = () => parts.publicUrl().startsWith('https:');

  router.get('/auth/whop', async (ctx: Context) => {
    const { url, cookie } = await startLogin(parts, ctx.ip, queryOf(ctx, 'payment_id'));
    setCookie(ctx, isSecure(), LOGIN_COOKIE, cookie);
    ctx.redirect(url);
  });

  router.get('/auth/whop/callback', async (ctx: Context) => {
    const flow = getCookie(ctx, isSecure(), LOGIN_COOKIE);
    // Whatever comes of it: a log-in is tried once.
    setCookie(ctx, isSecure(), LOGIN_COOKIE, undefined);
    const { session, paymentId } = await finishLogin(parts, {
      address: ctx.ip,
      flow,
      session: getCookie(ctx, isSecure(), SESSION_COOKIE),
      state: queryOf(ctx, 'state'),
      code: queryOf(ctx, 'code'),
    });
    setCookie(ctx, isSecure(), SESSION_COOKIE, session);
    ctx.redirect(withPayment('/welcome', paymentId));
  });

  router.post('/auth/logout', async (ctx: Context) => {
    refuseForeign(ctx);
    await signOut(parts, getCookie(ctx, isSecure(), SESSION_COOKIE));
    setCookie(ctx, isSecure(), SESSION_COOKIE, undefined);
    ctx.status = 303;
    ctx.redirect('/');
  });

  router.get('/welcome', async (ctx: Context) => {
    const paymentId = queryOf(ctx, 'payment_id');
    const visitor = await findSignedInUser(parts, getCookie(ctx, isSecure(), SESSION_COOKIE));
    if (!visitor) return ctx.redirect(withPayment('/auth/whop', paymentId));
    if (visitor.extended) setCookie(ctx, isSecure(), SESSION_COOKIE, visitor.extended);
    ctx.redirect(await createActivationUrl(parts, ctx.ip, visitor.userId, paymentId));
  });
}

/**
 * Refuses a form that another site made this browser send. The cookie would not come along (SameSite=Lax), unless that site is a
 * neighbour: another port of this machine, another name under this domain.
 */
function refuseForeign(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') throw new Problem('origin_not_allowed');
}

/** `__Host-` ties a cookie to this very host and to HTTPS, so that no neighbour can plant one. */
function cookieName(isSecure: boolean, name: string): string {
  return isSecure ? `__Host-${name}` : name;
}

function getCookie(ctx: Context, isSecure: boolean, name: string): string | undefined {
  return ctx.cookies.get(cookieName(isSecure, name));
}

/** Undefined takes the cookie away. */
function setCookie(ctx: Context, isSecure: boolean, name: string, cookie: Cookie | undefined): void {
  // TLS may end at a proxy, which Koa need not know of.
  ctx.cookies.secure = isSecure;
  ctx.cookies.set(cookieName(isSecure, name), cookie?.value, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure,
    path: '/',
    overwrite: true,
    ...(cookie && { maxAge: cookie.maxAgeMs }),
  });
}

function queryOf(ctx: Context, name: string): string | undefined {
  return ctx.URL.searchParams.get(name) || undefined;
}

function withPayment(path: string, paymentId: string | undefined): string {
  return paymentId ? `${path}?${new URLSearchParams({ payment_id: paymentId })}` : path;
}
