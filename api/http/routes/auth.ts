import type Router from '@koa/router';
import type { Context } from 'koa';
import {
  type BrowserSignIn,
  createActivationUrl,
  findSignedInUser,
  finishLogin,
  signOut,
  startLogin,
} from '../../auth/browser-sign-in.ts';
import { Problem } from '../../errors.ts';
import { getCookie, setCookie } from '../cookies.ts';

const SESSION_COOKIE = 'wm_session';
/** Holds the state of a sign-in until Whop redirects the browser back. */
const LOGIN_COOKIE = 'wm_login';

/** Routes of the sign-in with Whop and the sign-out, and `/welcome`, to which Whop's checkout redirects. */
export function authRoutes(router: Router, signIn: BrowserSignIn): void {
  const isSecure = () => signIn.publicUrl().startsWith('https:');

  router.get('/auth/whop', async (ctx: Context) => {
    const { url, cookie } = await startLogin(signIn, ctx.ip, queryParameter(ctx, 'payment_id'));
    setCookie(ctx, isSecure(), LOGIN_COOKIE, cookie);
    ctx.redirect(url);
  });

  router.get('/auth/whop/callback', async (ctx: Context) => {
    const flow = getCookie(ctx, isSecure(), LOGIN_COOKIE);
    // Deleted also when the sign-in fails, because its state is valid for one attempt.
    setCookie(ctx, isSecure(), LOGIN_COOKIE, undefined);
    const { session, paymentId } = await finishLogin(signIn, {
      address: ctx.ip,
      flow,
      session: getCookie(ctx, isSecure(), SESSION_COOKIE),
      state: queryParameter(ctx, 'state'),
      code: queryParameter(ctx, 'code'),
    });
    setCookie(ctx, isSecure(), SESSION_COOKIE, session);
    ctx.redirect(withPayment('/welcome', paymentId));
  });

  router.post('/auth/logout', async (ctx: Context) => {
    rejectCrossSite(ctx);
    await signOut(signIn, getCookie(ctx, isSecure(), SESSION_COOKIE));
    setCookie(ctx, isSecure(), SESSION_COOKIE, undefined);
    ctx.status = 303;
    ctx.redirect('/');
  });

  router.get('/welcome', async (ctx: Context) => {
    const paymentId = queryParameter(ctx, 'payment_id');
    const user = await findSignedInUser(signIn, getCookie(ctx, isSecure(), SESSION_COOKIE));
    if (!user) return ctx.redirect(withPayment('/auth/whop', paymentId));
    if (user.extended) setCookie(ctx, isSecure(), SESSION_COOKIE, user.extended);
    ctx.redirect(await createActivationUrl(signIn, ctx.ip, user.userId, paymentId));
  });
}

/**
 * Rejects a form that another site submitted. `SameSite=Lax` keeps the cookie from most of them, but not from the same site
 * with another origin: another port of this host, or another subdomain.
 * @throws Problem `origin_not_allowed`
 */
function rejectCrossSite(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') throw new Problem('origin_not_allowed');
}

function queryParameter(ctx: Context, name: string): string | undefined {
  return ctx.URL.searchParams.get(name) || undefined;
}

function withPayment(path: string, paymentId: string | undefined): string {
  return paymentId ? `${path}?${new URLSearchParams({ payment_id: paymentId })}` : path;
}
