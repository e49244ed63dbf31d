import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import {
  type BrowserSignIn,
  readActivationLink,
  requestActivationLinkEmail,
  useActivationLink,
} from '../../auth/browser-sign-in.ts';
import { checkoutUrls } from '../../billing/checkout-urls.ts';
import type { Config } from '../../config.ts';
import { claimPage, connectPage, keyPage, newClaimPage, newClaimSentPage } from '../../pages/activation.ts';
import { COPY_SCRIPT, ICON, STYLE } from '../../pages/assets.ts';
import { type HomeOptions, homePage } from '../../pages/home.ts';
import { legalPages } from '../../pages/legal.ts';
import { readForm } from '../body.ts';
import { sendPage } from '../respond.ts';
import { staticBody, staticPage } from '../static-body.ts';

const FORM_BYTES_MAX = 4_096;
const email = z.email().max(254);
/** 410 for a link that no longer works, 404 for one that never did. */
const STATUS = { open: 200, used: 410, expired: 410, unknown: 404 };

/** Routes of the server-rendered pages: `/`, `/claim`, `/legal`, and the files that they load. */
export function pageRoutes(router: Router, signIn: BrowserSignIn, config: Config): void {
  const hasSignIn = signIn.oauth !== undefined;
  router.get(
    '/',
    staticPage(() => homePage({ ...homeOptions(config), hasSignIn })),
  );

  for (const [name, page] of Object.entries(legalPages(config))) {
    const send = staticPage(() => page);
    router.get(`/legal/${name}`, send);
  }

  for (const { path, type, body } of [STYLE, COPY_SCRIPT, ICON]) {
    router.get(
      path,
      staticBody(() => body, { type, cache: 'immutable' }),
    );
  }

  // The address of the MCP server, opened in a browser.
  const sendConnectPage = staticPage(() => connectPage(signIn.publicUrl()));
  router.get('/mcp', (ctx: Context, next) => {
    ctx.vary('Accept, Authorization');
    const isBrowser = !ctx.get('Authorization') && ctx.accepts('json', 'html') === 'html';
    return isBrowser ? sendConnectPage(ctx) : next();
  });

  // Before the route that takes any token.
  router.get(
    '/claim/new',
    staticPage(() => newClaimPage(hasSignIn)),
  );
  router.post('/claim/new', async (ctx: Context) => {
    const given = (await readForm(ctx, FORM_BYTES_MAX)).get('email')?.trim() ?? '';
    if (!email.safeParse(given).success) {
      return sendPage(ctx, newClaimPage(hasSignIn, { email: given, reason: 'Enter a valid e-mail address.' }), 422);
    }
    await requestActivationLinkEmail(signIn, ctx.ip, given);
    sendPage(ctx, newClaimSentPage());
  });

  router.get('/claim/:token', async (ctx: Context) => {
    const token = ctx.params.token as string;
    const state = await readActivationLink(signIn, ctx.ip, token);
    sendPage(ctx, claimPage(token, state), STATUS[state]);
  });
  router.post('/claim/:token', async (ctx: Context) => {
    const token = ctx.params.token as string;
    const result = await useActivationLink(signIn, ctx.ip, token);
    if (result.state !== 'redeemed') return sendPage(ctx, claimPage(token, result.state), STATUS[result.state]);
    sendPage(ctx, keyPage(result.apiKey, signIn.publicUrl(), result.replacedKeys));
  });
}

function homeOptions({ whop, supportEmail, embedder }: Config): Omit<HomeOptions, 'hasSignIn'> {
  return { checkouts: checkoutUrls(whop.plans), supportEmail, embedder };
}
