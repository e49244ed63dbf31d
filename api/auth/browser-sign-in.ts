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
  activationUrl,
  findActivationLinkState,
  issueActivationLink,
  type RedeemResult,
  redeemActivationLink,
  requestActivationLink,
} from '../keys/activation-links.ts';
import type { AddressLimiter } from '../limits/ip-rate-limiter.ts';
import { DAY_MS, MINUTE_MS } from '../time.ts';
import { closeSession, openSession, readSession, SESSION_DAYS } from './sessions.ts';
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
 * The pipeline of people in a browser, who have no key yet: limit by address → do, in one transaction. Nothing here is metered.
 */

/** Dependencies of the flows for people in a browser. */
export interface BrowserSignIn {
  database: Database;
  /** Limits requests without a key per client IP. */
  addresses: AddressLimiter;
  now: () => Date;
  newId: () => string;
  /** The `<env>` of new keys. */
  keyEnvironment: string;
  /** Undefined where nothing is sold. */
  billing?: Billing | undefined;
  /** Undefined where sign-in with Whop is not configured. */
  oauth: WhopOAuth | undefined;
  publicUrl: () => string;
}

/** What a browser is given to keep. */
export interface Cookie {
  value: string;
  maxAgeMs: number;
}

/** How a claim stands, for its page. Changes nothing. @throws Problem `rate_limited` */
export async function readActivationLink(
  signIn: BrowserSignIn,
  address: string,
  token: string,
): Promise<ActivationLinkState> {
  await signIn.addresses.take(address);
  return findActivationLinkState({ sql: signIn.database.owner, now: signIn.now }, token);
}

/** Uses a claim up. @throws Problem `rate_limited`, `unavailable` */
export async function useActivationLink(signIn: BrowserSignIn, address: string, token: string): Promise<RedeemResult> {
  await limitAttempts(signIn, address);
  return signIn.database.ownerWrite((sql) =>
    redeemActivationLink(contextOf(signIn, sql), token, signIn.keyEnvironment),
  );
}

/** Asks for a claim by mail. @throws Problem `rate_limited`, `unavailable` */
export async function requestActivationLinkEmail(signIn: BrowserSignIn, address: string, email: string): Promise<void> {
  await limitAttempts(signIn, address);
  await signIn.database.ownerWrite((sql) => requestActivationLink(sql, email));
}

/**
 * Begins a log-in with Whop: where to send the browser, and what it keeps meanwhile.
 * @throws Problem `not_found` where there is no such log-in, `rate_limited`, `unavailable`
 */
export async function startLogin(signIn: BrowserSignIn, address: string, paymentId?: string) {
  const oauth = requireOAuth(signIn);
  await limitAttempts(signIn, address);
  const flow = beginLogin(signIn.now(), paymentId);
  const cookie: Cookie = { value: flow.cookie, maxAgeMs: LOGIN_MINUTES * MINUTE_MS };
  return { url: authorizeUrl(oauth, flow, redirectUri(signIn)), cookie };
}

/** What a browser brings back from Whop's log-in. */
export interface LoginCallback {
  address: string;
  /** Its cookies: of the log-in that it began, and of the session that it had. */
  flow: string | undefined;
  session: string | undefined;
  state: string | undefined;
  code: string | undefined;
}

/**
 * Ends a log-in with Whop: answers the new session's cookie, and the payment that the person came with. Who has no account yet
 * gets one by that payment.
 * @throws Problem `login_failed`, `not_found` for somebody who bought nothing, `account_closing`, `payment_of_another`,
 *   `rate_limited`, `unavailable`
 */
export async function finishLogin(signIn: BrowserSignIn, callback: LoginCallback) {
  const oauth = requireOAuth(signIn);
  await limitAttempts(signIn, callback.address);
  const flow = resumeLogin(signIn.now(), callback.flow, callback.state);
  if (!callback.code) throw new Problem('login_failed', { detail: 'Whop did not sign you in. Begin again.' });
  const person = await exchangeCode(oauth, flow, callback.code, redirectUri(signIn));
  const session = await openSessionFor(signIn, person, flow, callback.session);
  return { session: sessionCookie(session), paymentId: flow.paymentId };
}

/** Whose browser a session's cookie stands for; `extended` is the cookie again when it may be kept longer now. */
export async function findSignedInUser(signIn: BrowserSignIn, session: string | undefined) {
  const found = session && (await readSession({ sql: signIn.database.owner, now: signIn.now }, session));
  if (!found) return undefined;
  return { userId: found.userId, extended: found.extended ? sessionCookie(session) : undefined };
}

/** Signs a browser out. */
export async function signOut(signIn: BrowserSignIn, session: string | undefined): Promise<void> {
  if (session) await closeSession(signIn.database.owner, session);
}

/**
 * Where a signed-in person makes a key: a fresh claim. With a payment, its purchase is settled first.
 * @throws Problem `payment_of_another`, `not_found`, `rate_limited`, `unavailable`
 */
export async function createActivationUrl(
  signIn: BrowserSignIn,
  address: string,
  userId: string,
  paymentId: string | undefined,
): Promise<string> {
  await limitAttempts(signIn, address);
  if (paymentId && signIn.billing) {
    const customer = await findCustomer(signIn.database.owner, userId);
    if (!customer) throw new Problem('payment_of_another');
    await settlePurchase(signIn.billing, { sub: customer.whop_user_id }, paymentId);
  }
  const { token } = await signIn.database.ownerWrite((sql) => issueActivationLink(contextOf(signIn, sql), userId));
  return activationUrl(signIn.publicUrl(), token);
}

/**
 * Takes a visit from what its address has. While nodes that count together cannot, nobody is let in: a guess at a link must not cost
 * less because Redis is away.
 */
function limitAttempts({ addresses }: BrowserSignIn, address: string): Promise<void> {
  return addresses.take(address, { closed: true });
}

async function openSessionFor(
  signIn: BrowserSignIn,
  person: WhopIdentity,
  flow: LoginFlow,
  former: string | undefined,
): Promise<string> {
  const openForCustomer = () =>
    signIn.database.ownerWrite(async (sql) => {
      const customer = await lockCustomer(sql, person.sub);
      if (!customer) return undefined;
      rejectClosedAccount(customer);
      const context = contextOf(signIn, sql);
      await updateEmail(context, customer, person.email ?? null);
      return openSession(context, customer.id, former);
    });
  const session = await openForCustomer();
  if (session) return session;
  if (signIn.billing && flow.paymentId) await settlePurchase(signIn.billing, person, flow.paymentId);
  const opened = flow.paymentId && (await openForCustomer());
  if (!opened)
    throw new Problem('not_found', { detail: 'Nothing was bought with this Whop account yet. Choose a plan first.' });
  return opened;
}

function rejectClosedAccount({ status }: CustomerRow): void {
  if (status !== 'active' && status !== 'read_only') throw new Problem('account_closing');
}

function requireOAuth({ oauth }: BrowserSignIn): WhopOAuth {
  if (!oauth) throw new Problem('not_found', { detail: 'There is no log-in with Whop here.' });
  return oauth;
}

function redirectUri({ publicUrl }: BrowserSignIn): string {
  return `${publicUrl()}/auth/whop/callback`;
}

function sessionCookie(value: string): Cookie {
  return { value, maxAgeMs: SESSION_DAYS * DAY_MS };
}

function contextOf({ now, newId }: BrowserSignIn, sql: Sql): RequestContext {
  return { sql, now, newId };
}
