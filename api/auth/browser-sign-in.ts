import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { type CustomerRow, findCustomer, lockCustomer } from '../../db/queries/billing/customers.ts';
import type { Billing } from '../billing/billing.ts';
import { settlePurchase } from '../billing/checkout.ts';
import { updateEmail } from '../billing/provision.ts';
import type { RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import {
  type ActivationLinkState,
  findActivationLinkState,
  type RedeemResult,
  redeemActivationLink,
  requestActivationLink,
} from '../keys/activation-links.ts';
import type { IpRateLimiter } from '../limits/ip-rate-limiter.ts';
import { MINUTE_MS } from '../time.ts';
import { type Cookie, closeSession, openSession, readSession, type SignInBrowser } from './sessions.ts';
import {
  authorizeUrl,
  beginLogin,
  exchangeCode,
  LOGIN_MINUTES,
  type LoginFlow,
  resumeLogin,
  type WhopIdentity,
  type WhopOAuth,
} from './whop-login.ts';

/*
 * Sign-in and activation links for people in a browser, who have no key yet. Each function is limited by client IP, then runs in one
 * transaction, and is not metered.
 */

/** Dependencies of the flows for people in a browser. */
export interface BrowserSignIn {
  database: Database;
  /** Limits requests without a key per client IP. */
  ipLimiter: IpRateLimiter;
  now: () => Date;
  newId: () => string;
  /** The `<env>` of new keys. */
  keyEnvironment: string;
  /** Undefined when billing is off. */
  billing?: Billing | undefined;
  /** Undefined when sign-in with Whop is not configured. */
  oauth: WhopOAuth | undefined;
  publicUrl: () => string;
}

/** Returns the state of an activation link for its page. @throws Problem `rate_limited` */
export async function readActivationLink(
  signIn: BrowserSignIn,
  address: string,
  token: string,
): Promise<ActivationLinkState> {
  await signIn.ipLimiter.consume(address, { purpose: 'sign-in' });
  return findActivationLinkState({ sql: signIn.database.owner, now: signIn.now }, token);
}

/** Uses an activation link and returns the new key. @throws Problem `rate_limited`, `unavailable` */
export async function useActivationLink(signIn: BrowserSignIn, address: string, token: string): Promise<RedeemResult> {
  await limitAttempts(signIn, address);
  return signIn.database.ownerWrite((sql) =>
    redeemActivationLink(contextOf(signIn, sql), token, signIn.keyEnvironment),
  );
}

/** Requests an activation link by e-mail. @throws Problem `rate_limited`, `unavailable` */
export async function requestActivationLinkEmail(signIn: BrowserSignIn, address: string, email: string): Promise<void> {
  await limitAttempts(signIn, address);
  await signIn.database.ownerWrite((sql) => requestActivationLink(sql, email));
}

/**
 * Starts a log-in with Whop. Returns the URL to redirect to and the cookie that identifies the log-in.
 * @throws Problem `not_found` when log-in with Whop is not configured, `rate_limited`, `unavailable`
 */
export async function startLogin(signIn: BrowserSignIn, address: string, paymentId?: string, next?: string) {
  const oauth = requireOAuth(signIn);
  await limitAttempts(signIn, address);
  const flow = beginLogin(signIn.now(), paymentId, next);
  const cookie: Cookie = { value: flow.cookie, maxAgeMs: LOGIN_MINUTES * MINUTE_MS };
  return { url: authorizeUrl(oauth, flow, redirectUri(signIn)), cookie };
}

/** The request with which Whop returns the browser. */
interface LoginCallback {
  address: string;
  /** The cookie of the log-in. */
  flow: string | undefined;
  browser: SignInBrowser;
  state: string | undefined;
  code: string | undefined;
}

/**
 * Completes a log-in with Whop. Returns the cookie of the new session, the payment that the log-in was started with, which
 * creates the account if there is none yet, and the path that it leads to.
 * @throws Problem `login_failed`, `not_found` for a Whop user without a purchase, `account_closing`, `payment_account_mismatch`,
 *   `rate_limited`, `unavailable`
 */
export async function finishLogin(signIn: BrowserSignIn, callback: LoginCallback) {
  const oauth = requireOAuth(signIn);
  await limitAttempts(signIn, callback.address);
  const flow = resumeLogin(signIn.now(), callback.flow, callback.state);
  if (!callback.code) throw new Problem('login_failed', { detail: 'Whop did not sign you in. Please try again.' });
  const person = await exchangeCode(oauth, flow, callback.code, redirectUri(signIn));
  const session = await openSessionFor(signIn, person, flow, callback.browser);
  return { session, paymentId: flow.paymentId, next: flow.next };
}

/**
 * Resolves a session cookie to its user; `extended` is the cookie to set again when its expiry has moved. Cookies without a session are
 * limited by client IP.
 * @throws Problem `rate_limited`
 */
export async function findSignedInUser(
  signIn: Pick<BrowserSignIn, 'database' | 'ipLimiter' | 'now'>,
  address: string,
  session: string | undefined,
) {
  if (!session) return undefined;
  const read = async () => {
    const found = await readSession({ sql: signIn.database.owner, now: signIn.now }, session);
    if (!found) throw new Problem('unauthenticated');
    return found;
  };
  const found = await signIn.ipLimiter.attempt(address, read, { purpose: 'session' }).catch((error) => {
    if (error instanceof Problem && error.code === 'unauthenticated') return undefined;
    throw error;
  });
  if (!found) return undefined;
  return { userId: found.user_id, extended: found.extended };
}

/** Ends the browser's session. */
export async function signOut(signIn: BrowserSignIn, session: string | undefined): Promise<void> {
  if (session) await closeSession(signIn.database.owner, session);
}

/**
 * Applies the purchase of a payment to the account of a signed-in customer.
 * @throws Problem `payment_account_mismatch`, `not_found`, `rate_limited`, `unavailable`
 */
export async function applyPurchase(
  signIn: BrowserSignIn,
  address: string,
  userId: string,
  paymentId: string,
): Promise<void> {
  await limitAttempts(signIn, address);
  if (!signIn.billing) return;
  const customer = await findCustomer(signIn.database.owner, userId);
  if (!customer) throw new Problem('payment_account_mismatch');
  await settlePurchase(signIn.billing, { sub: customer.whop_user_id }, paymentId);
}

/**
 * Counts an attempt against the client IP's limit. While Redis is unavailable every attempt is rejected: an outage must not make
 * it cheaper to guess links.
 */
export function limitAttempts({ ipLimiter }: BrowserSignIn, address: string): Promise<void> {
  return ipLimiter.consume(address, { purpose: 'sign-in', failClosed: true });
}

async function openSessionFor(
  signIn: BrowserSignIn,
  person: WhopIdentity,
  flow: LoginFlow,
  browser: SignInBrowser,
): Promise<Cookie> {
  const openForCustomer = () =>
    signIn.database.ownerWrite(async (sql) => {
      const customer = await lockCustomer(sql, person.sub);
      if (!customer) return undefined;
      rejectDeletedAccount(customer);
      const context = contextOf(signIn, sql);
      await updateEmail(context, customer, person.email ?? null);
      return openSession(context, customer.id, browser, 'whop');
    });
  const session = await openForCustomer();
  if (session) return session;
  if (signIn.billing && flow.paymentId) await settlePurchase(signIn.billing, person, flow.paymentId);
  const opened = flow.paymentId && (await openForCustomer());
  if (!opened)
    throw new Problem('not_found', { detail: 'This Whop account has no purchase yet. Choose a plan first.' });
  return opened;
}

/** A person may sign in to an account that is being closed, to export or restore it. */
function rejectDeletedAccount({ status }: CustomerRow): void {
  if (status === 'deleted') throw new Problem('account_closing');
}

function requireOAuth({ oauth }: BrowserSignIn): WhopOAuth {
  if (!oauth) throw new Problem('not_found', { detail: 'Log-in with Whop is not available on this server.' });
  return oauth;
}

function redirectUri({ publicUrl }: BrowserSignIn): string {
  return `${publicUrl()}/auth/whop/callback`;
}

function contextOf({ now, newId }: BrowserSignIn, sql: Sql): RequestContext {
  return { sql, now, newId };
}
