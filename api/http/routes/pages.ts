import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import {
  type BrowserSignIn,
  readActivationLink,
  requestActivationLinkEmail,
  useActivationLink,
} from '../../auth/browser-sign-in.ts';
import type { Config } from '../../config.ts';
import { claimPage, keyPage, newClaimPage, newClaimSentPage } from '../../pages/activation.ts';
import { COPY_SCRIPT, ICON, STYLE } from '../../pages/assets.ts';
import { type HomeFacts, homePage } from '../../pages/home.ts';
import { legalPages } from '../../pages/legal.ts';
import { answerPage, readForm } from '../koa.ts';

const FORM_BYTES_MAX = 4_096;
const email = z.email().max(254);
/** Gone, for a link that was good; not found, for one that never was. */
const STATUS = { open: 200, used: 410, expired: 410, unknown: 404 };

/** The pages for people who have no key yet: `/`, `/claim`, `/legal`. */
export function pageRoutes(router: Router, parts: BrowserSignIn, config: Config): void {
  const signIn = parts.oauth !== undefined;
  const home = homePage({ ...homeFacts(config), signIn });
  router.get('/', (ctx: Context) => answerPage(ctx, home));

  for (const [name, page] of Object.entries(legalPages(config))) {
    router.get(`/legal/${name}`, (ctx: Context) => answerPage(ctx, page));
  }

  for (const { path, type, body } of [STYLE, COPY_SCRIPT, ICON]) {
    router.get(path, (ctx: Context) => {
      ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
      ctx.type = type;
      ctx.body = body;
    });
  }

  // Before the address that takes any token.
  router.get('/claim/new', (ctx: Context) => answerPage(ctx, newClaimPage(signIn)));
  router.post('/claim/new', async (ctx: Context) => {
    const given = (await readForm(ctx, FORM_BYTES_MAX)).get('email')?.trim() ?? '';
    if (!email.safeParse(given).success) {
      return answerPage(ctx, newClaimPage(signIn, { email: given, reason: 'This is no e-mail address.' }), 422);
    }
    await requestActivationLinkEmail(parts, ctx.ip, given);
    answerPage(ctx, newClaimSentPage());
  });

  router.get('/claim/:token', async (ctx: Context) => {
    const token = ctx.params.token as string;
    const state = await readActivationLink(parts, ctx.ip, token);
    answerPage(ctx, claimPage(token, state), STATUS[state]);
  });
  router.post('/claim/:token', async (ctx: Context) => {
    const token = ctx.params.token as string;
    const result = await useActivationLink(parts, ctx.ip, token);
    if (result.state !== 'redeemed') return answerPage(ctx, claimPage(token, result.state), STATUS[result.state]);
    answerPage(ctx, keyPage(result.apiKey, parts.publicUrl(), result.replacedKeys));
  });
}

function homeFacts({ whop, supportEmail }: Config): Omit<HomeFacts, 'signIn'> {
  const checkouts: HomeFacts['checkouts'] = {};
  for (const [id, plan] of Object.entries(whop.plans)) {
    // The first of a plan's: the others are other periods or old prices. A product has no checkout of its own.
    if (id.startsWith('plan_')) checkouts[plan] ??= `https://whop.com/checkout/${id}`;
  }
  return { checkouts, supportEmail };
}
