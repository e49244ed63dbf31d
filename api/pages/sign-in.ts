import { DASHBOARD_PATH } from '../auth/landing-path.ts';
import { SIGN_IN_LINK_MINUTES, type SignInLinkState } from '../auth/sign-in-links.ts';
import { html } from './html.ts';
import { page, TERMS_LINKS } from './layout.ts';

export interface SignInOptions {
  /** Whether the sign-in with Whop is configured. */
  hasWhop: boolean;
  /** Whether this is a local installation, whose command line makes links. */
  isLocal: boolean;
  /** Whether an address without an account gets one. */
  isSignupOpen: boolean;
}

/**
 * Renders `/login`: the ways to sign in.
 * @param next path that the sign-in leads to
 * @param rejected the rejected address, with the reason
 */
export function signInPage(
  { hasWhop, isLocal, isSignupOpen }: SignInOptions,
  next: string,
  rejected?: { email: string; reason: string },
): string {
  const whopPath = next === DASHBOARD_PATH ? '/auth/whop' : `/auth/whop?${new URLSearchParams({ next })}`;
  const body = html`
<div class="card">
<h1>Sign in</h1>
${hasWhop && html`<p class="actions"><a class="button large" href="${whopPath}">Sign in with Whop</a></p>`}
<p>${hasWhop ? 'Or enter' : 'Enter'} your e-mail address. We send you a link that signs you in without a password.</p>
<form method="post" action="/login">
<input type="hidden" name="next" value="${next}">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" maxlength="254" required value="${rejected?.email ?? ''}"${
    rejected && html` aria-invalid="true" aria-describedby="email-error"`
  }>
${rejected && html`<p id="email-error" class="error">${rejected.reason}</p>`}
<button class="button large${hasWhop && ' quiet'}" type="submit">Send the link</button>
</form>
${
  isLocal &&
  html`<p class="fine">On the machine where WhiteMagic runs, <code>npm run dashboard</code> prints a link that signs you in at once.</p>`
}
<p class="fine">${
    isSignupOpen
      ? 'No account yet? The link creates a free one.'
      : html`No account yet? <a href="/#plans">Choose a plan</a>.`
  } By signing in you accept the ${TERMS_LINKS}.</p>
</div>`;
  return page({ title: 'Sign in', body, width: 'narrow' });
}

/** Renders the response to a request of a link. It is the same whether or not an account has this address. */
export function signInSentPage({ isSignupOpen }: Pick<SignInOptions, 'isSignupOpen'>): string {
  const body = html`
<div class="card">
<h1>Check your e-mail</h1>
<p>${
    isSignupOpen ? 'We have sent you a link.' : 'If an account has this address, we have sent it a link.'
  } It works once, within ${SIGN_IN_LINK_MINUTES} minutes.</p>
<p class="fine">No e-mail after a few minutes? Check your spam folder, or <a href="/login">try another address</a>.</p>
</div>`;
  return page({ title: 'Check your e-mail', body, width: 'narrow' });
}

const ENDED: Record<Exclude<SignInLinkState, 'open'>, { title: string; reason: string }> = {
  used: {
    title: 'This link has been used',
    reason: 'It, or a later link, has signed a browser in. Get a new link to sign in here.',
  },
  expired: {
    title: 'This link has expired',
    reason: `A link works for ${SIGN_IN_LINK_MINUTES} minutes. You can get a new one.`,
  },
  unknown: {
    title: 'This link does not work',
    reason: 'It may be incomplete or too old. You can get a new one.',
  },
};

/** Renders the page of a sign-in link: a button while the link is open, otherwise the reason and a way to get a new one. */
export function signInLinkPage(
  { token, next, email }: { token: string; next: string; email: string | null },
  state: SignInLinkState,
): string {
  if (state !== 'open') {
    const { title, reason } = ENDED[state];
    const body = html`
<div class="card">
<h1>${title}</h1>
<p>${reason}</p>
<p class="actions"><a class="button large" href="/login">Get a new link</a></p>
</div>`;
    return page({ title, body, width: 'narrow' });
  }
  const body = html`
<div class="card">
<h1>Sign in to WhiteMagic</h1>
${email !== null && html`<p>You sign in as <strong>${email}</strong>.</p>`}
<form method="post" action="/login/${token}">
<input type="hidden" name="next" value="${next}">
<button class="button large" type="submit">Sign in</button>
</form>
<p class="fine">This browser stays signed in until you sign out. By signing in you accept the ${TERMS_LINKS}.</p>
</div>`;
  return page({ title: 'Sign in', body, width: 'narrow' });
}
