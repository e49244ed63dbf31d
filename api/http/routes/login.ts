import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { findSignedInUser } from '../../auth/browser-sign-in.ts';
import { type EmailSignIn, readSignInLink, requestSignInEmail, useSignInLink } from '../../auth/email-sign-in.ts';
import { landingPath } from '../../auth/landing-path.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { type SignInOptions, signInLinkPage, signInPage, signInSentPage } from '../../pages/sign-in.ts';
import { readForm } from '../body.ts';
import { getCookie, isSecureService, SESSION_COOKIE, setCookie } from '../cookies.ts';
import { sendPage } from '../respond.ts';
import { rejectCrossOrigin } from '../same-origin.ts';
import { browserOf, queryParameter } from './auth.ts';

const FORM_BYTES_MAX = 4_096;
const email = z.email().max(254);
/** 410 for a link that no longer works, 404 for one that never did. */
const STATUS = { open: 200, used: 410, expired: 410, unknown: 404 };

/** Routes of the sign-in page `/login` and of the links that it sends. */
export function loginRoutes(
  router: Router,
  signIn: EmailSignIn & { metrics: Pick<Metrics, 'signedIn'> },
  options: SignInOptions,
): void {
  const isSecure = () => isSecureService(signIn.publicUrl());

  router.get('/login', async (ctx: Context) => {
    const next = landingPath(queryParameter(ctx, 'next'));
    const user = await findSignedInUser(signIn, ctx.ip, getCookie(ctx, isSecure(), SESSION_COOKIE));
    if (user) return ctx.redirect(next);
    sendPage(ctx, signInPage(options, next));
  });

  router.post('/login', async (ctx: Context) => {
    rejectCrossOrigin(ctx, signIn.publicUrl());
    const form = await readForm(ctx, FORM_BYTES_MAX);
    const next = landingPath(form.get('next') ?? undefined);
    const given = form.get('email')?.trim() ?? '';
    if (!email.safeParse(given).success) {
      const rejected = { email: given, reason: 'Enter a valid e-mail address.' };
      return sendPage(ctx, signInPage(options, next, rejected), 422);
    }
    await requestSignInEmail(signIn, ctx.ip, given, next);
    sendPage(ctx, signInSentPage(options));
  });

  router.get('/login/:token', async (ctx: Context) => {
    const token = ctx.params.token as string;
    const next = landingPath(queryParameter(ctx, 'next'));
    const { state, email } = await readSignInLink(signIn, ctx.ip, token);
    sendPage(ctx, signInLinkPage({ token, next, email }, state), STATUS[state]);
  });

  router.post('/login/:token', async (ctx: Context) => {
    // A form of another page could sign the browser in to an account of its author.
    rejectCrossOrigin(ctx, signIn.publicUrl());
    const token = ctx.params.token as string;
    const next = landingPath((await readForm(ctx, FORM_BYTES_MAX)).get('next') ?? undefined);
    const result = await useSignInLink(signIn, ctx.ip, token, browserOf(ctx, isSecure()));
    if (result.state !== 'signed_in') {
      return sendPage(ctx, signInLinkPage({ token, next, email: null }, result.state), STATUS[result.state]);
    }
    signIn.metrics.signedIn('link');
    setCookie(ctx, isSecure(), SESSION_COOKIE, result.session);
    ctx.status = 303;
    ctx.redirect(next);
  });
}
