import { Problem } from '../errors.ts';
import { hashToken } from '../keys/secret-token.ts';
import type { Limiter } from '../limits/local-limiter.ts';
import { type BrowserSignIn, limitAttempts } from './browser-sign-in.ts';
import type { SignInBrowser } from './sessions.ts';
import {
  findSignInLinkState,
  redeemSignInLink,
  requestSignInLink,
  type SignInLinkState,
  type SignInResult,
} from './sign-in-links.ts';

/*
 * The sign-in with a link. Each function is limited by client IP, and a request of a link by its address too.
 */

/** Dependencies of the sign-in with a link. */
export interface EmailSignIn extends BrowserSignIn {
  limiter: Pick<Limiter, 'consume'>;
  /** Whether an address without an account gets a link that creates one. */
  isSignupOpen: boolean;
}

/** Requests of a link for one address within a minute. */
const REQUESTS_PER_MINUTE = 3;

/**
 * Requests a sign-in link by e-mail. It succeeds whether or not an account has the address.
 * @param next path that the sign-in leads to
 * @throws Problem `rate_limited`, `unavailable` while Redis is
 */
export async function requestSignInEmail(
  signIn: EmailSignIn,
  address: string,
  email: string,
  next: string,
): Promise<void> {
  await limitAttempts(signIn, address);
  await limitRecipient(signIn, email);
  await signIn.database.ownerWrite((sql) => requestSignInLink(sql, { email, next, sign_up: signIn.isSignupOpen }));
}

/** Returns the state of a sign-in link for its page. @throws Problem `rate_limited`, `unavailable` */
export async function readSignInLink(
  signIn: EmailSignIn,
  address: string,
  token: string,
): Promise<{ state: SignInLinkState; email: string | null }> {
  await limitAttempts(signIn, address);
  return findSignInLinkState({ sql: signIn.database.owner, now: signIn.now }, token);
}

/** Signs a browser in with a link. @throws Problem `rate_limited`, `unavailable` */
export async function useSignInLink(
  signIn: EmailSignIn,
  address: string,
  token: string,
  browser: SignInBrowser,
): Promise<SignInResult> {
  await limitAttempts(signIn, address);
  const { database, now, newId } = signIn;
  return database.ownerWrite((sql) => redeemSignInLink({ sql, now, newId }, token, browser));
}

/** Limits what one address is sent, on all nodes together. */
async function limitRecipient({ limiter }: EmailSignIn, email: string): Promise<void> {
  const recipient = hashToken(email.toLowerCase()).toString('base64url');
  const subject = `{email:${recipient}}:sign-in` as const;
  const policy = { name: 'recipient', window: 'minute', subject, limit: REQUESTS_PER_MINUTE } as const;
  const { allowed, retryAfterSeconds } = await limiter.consume([policy], { minute: 1, day: 0 }, { failClosed: true });
  if (allowed) return;
  const seconds = Math.max(1, retryAfterSeconds);
  throw new Problem('rate_limited', {
    detail: `Links were requested for this address several times. Look into your mailbox, or try again in ${seconds} s.`,
    headers: { 'Retry-After': String(seconds) },
    extra: { 'violated-policies': ['recipient'], retry_after_seconds: seconds },
  });
}
