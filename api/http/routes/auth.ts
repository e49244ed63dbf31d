import type Router from '@koa/router';
import type { Context } from 'koa';
import { browserLabel } from '../../auth/browser-label.ts';
import {
  applyPurchase,
  type BrowserSignIn,
  findSignedInUser,
  finishLogin,
  signOut,
  startLogin,
} from '../../auth/browser-sign-in.ts';
import { CONNECT_PATH, signInPath } from '../../auth/landing-path.ts';
import type { SignInBrowser } from '../../auth/sessions.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { getCookie, isSecureService, SESSION_COOKIE, setCookie } from '../cookies.ts';
import { rejectCrossOrigin } from '../same-origin.ts';

/** Holds the state of a sign-in until Whop redirects the browser back. */
const LOGIN_COOKIE = 'wm_login';

/**
 * Routes of the sign-in with Whop and the sign-out, and `/welcome`, to which Whop's checkout redirects and which leads a customer to
 * the dashboard's Connect screen.
 */
export function authRoutes(router: Router, signIn: BrowserSignIn & { metrics: Pick<Metrics, 'signedIn'> }): void {
  const isSecure = () => isSecureService(signIn.publicUrl());

  router.get('/auth/whop', async (ctx: Context) => {
    const { url, cookie } = await startLogin(
      signIn,
      ctx.ip,
      queryParameter(ctx, 'payment_id'),
      queryParameter(ctx, 'next'),
    );
    setCookie(ctx, isSecure(), LOGIN_COOKIE, cookie);
    ctx.redirect(url);
  });

  router.get('/auth/whop/callback', async (ctx: Context) => {
    const flow = getCookie(ctx, isSecure(), LOGIN_COOKIE);
    // Deleted also when the sign-in fails, because its state is valid for one attempt.
    setCookie(ctx, isSecure(), LOGIN_COOKIE, undefined);
    const { session, paymentId, next } = await finishLogin(signIn, {
      address: ctx.ip,
      flow,
      browser: browserOf(ctx, isSecure()),
      state: queryParameter(ctx, 'state'),
      code: queryParameter(ctx, 'code'),
    });
    signIn.metrics.signedIn('whop');
    setCookie(ctx, isSecure(), SESSION_COOKIE, session);
    ctx.redirect(paymentId ? withPayment('/welcome', paymentId) : next);
  });

  router.post('/auth/logout', async (ctx: Context) => {
    const session = getCookie(ctx, isSecure(), SESSION_COOKIE);
    if (session) rejectCrossOrigin(ctx, signIn.publicUrl());
    await signOut(signIn, session);
    setCookie(ctx, isSecure(), SESSION_COOKIE, undefined);
    ctx.status = 303;
    ctx.redirect('/');
  });

  router.get('/welcome', async (ctx: Context) => {
    const paymentId = queryParameter(ctx, 'payment_id');
    const user = await findSignedInUser(signIn, ctx.ip, getCookie(ctx, isSecure(), SESSION_COOKIE));
    if (!user) return ctx.redirect(signIn.oauth ? withPayment('/auth/whop', paymentId) : signInPath(CONNECT_PATH));
    if (user.extended) setCookie(ctx, isSecure(), SESSION_COOKIE, user.extended);
    if (paymentId) await applyPurchase(signIn, ctx.ip, user.userId, paymentId);
    ctx.redirect(CONNECT_PATH);
  });
}

/** Returns the browser of a sign-in: its former session, and its label. */
export function browserOf(ctx: Context, isSecure: boolean): SignInBrowser {
  return {
    formerSession: getCookie(ctx, isSecure, SESSION_COOKIE),
    label: browserLabel(ctx.get('User-Agent')),
  };
}

/** Returns a parameter of the query string; undefined for a missing or empty one. */
export function queryParameter(ctx: Context, name: string): string | undefined {
  return ctx.URL.searchParams.get(name) || undefined;
}

function withPayment(path: string, paymentId: string | undefined): string {
  return paymentId ? `${path}?${new URLSearchParams({ payment_id: paymentId })}` : path;
}
