import type { Sql } from '../../db/client/sql.ts';
import { type CustomerRow, findCustomer, lockCustomer } from '../../db/queries/billing/customers.ts';
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
import type { PipelineDependencies } from '../pipeline/dependencies.ts';
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

export interface BrowserSignIn {
  gates: PipelineDependencies;
  /** Undefined where there is no log-in with Whop. */
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
  { gates }: BrowserSignIn,
  address: string,
  token: string,
): Promise<ActivationLinkState> {
  await gates.addresses.take(address);
  return findActivationLinkState({ sql: gates.database.owner, now: gates.now }, token);
}

/** Uses a claim up. @throws Problem `rate_limited`, `unavailable` */
export async function useActivationLink(
  { gates }: BrowserSignIn,
  address: string,
  token: string,
): Promise<RedeemResult> {
  await limitAttempts(gates, address);
  return gates.database.ownerWrite((sql) => redeemActivationLink(depsOf(gates, sql), token));
}

/** Asks for a claim by mail. @throws Problem `rate_limited`, `unavailable` */
export async function requestActivationLinkEmail(
  { gates }: BrowserSignIn,
  address: string,
  email: string,
): Promise<void> {
  await limitAttempts(gates, address);
  await gates.database.ownerWrite((sql) => requestActivationLink(sql, email));
}

/**
 * Begins a log-in with Whop: where to send the browser, and what it keeps meanwhile.
 * @throws Problem `not_found` where there is no such log-in, `rate_limited`, `unavailable`
 */
export async function startLogin(parts: BrowserSignIn, address: string, paymentId?: string) {
  const oauth = requireOAuth(parts);
  await limitAttempts(parts.gates, address);
  const flow = beginLogin(parts.gates.now(), paymentId);
  const cookie: Cookie = { value: flow.cookie, maxAgeMs: LOGIN_MINUTES * MINUTE_MS };
  return { url: authorizeUrl(oauth, flow, redirectUri(parts)), cookie };
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
export async function finishLogin(parts: BrowserSignIn, callback: LoginCallback) {
  const oauth = requireOAuth(parts);
  await limitAttempts(parts.gates, callback.address);
  const flow = resumeLogin(parts.gates.now(), callback.flow, callback.state);
  if (!callback.code) throw new Problem('login_failed', { detail: 'Whop did not sign you in. Begin again.' });
  const person = await exchangeCode(oauth, flow, callback.code, redirectUri(parts));
  const session = await openSessionFor(parts, person, flow, callback.session);
  return { session: sessionCookie(session), paymentId: flow.paymentId };
}

/** Whose browser a session's cookie stands for; `extended` is the cookie again when it may be kept longer now. */
export async function findSignedInUser({ gates }: BrowserSignIn, session: string | undefined) {
  const found = session && (await readSession({ sql: gates.database.owner, now: gates.now }, session));
  if (!found) return undefined;
  return { userId: found.userId, extended: found.extended ? sessionCookie(session) : undefined };
}

/** Signs a browser out. */
export async function signOut({ gates }: BrowserSignIn, session: string | undefined): Promise<void> {
  if (session) await closeSession(gates.database.owner, session);
}

/**
 * Where a signed-in person makes a key: a fresh claim. With a payment, its purchase is settled first.
 * @throws Problem `payment_of_another`, `not_found`, `rate_limited`, `unavailable`
 */
export async function createActivationUrl(
  { gates, publicUrl }: BrowserSignIn,
  address: string,
  userId: string,
  paymentId: string | undefined,
): Promise<string> {
  await limitAttempts(gates, address);
  if (paymentId && gates.billing) {
    const customer = await findCustomer(gates.database.owner, userId);
    if (!customer) throw new Problem('payment_of_another');
    await settlePurchase(gates.billing, { sub: customer.whop_user_id }, paymentId);
  }
  const { token } = await gates.database.ownerWrite((sql) => issueActivationLink(depsOf(gates, sql), userId));
  return activationUrl(publicUrl(), token);
}

/**
 * Takes a visit from what its address has. While nodes that count together cannot, nobody is let in: a guess at a link must not cost
 * less because Redis is away.
 */
function limitAttempts({ addresses }: PipelineDependencies, address: string): Promise<void> {
  return addresses.take(address, { closed: true });
}

async function openSessionFor(
  { gates }: BrowserSignIn,
  person: WhopIdentity,
  flow: LoginFlow,
  former: string | undefined,
): Promise<string> {
  const signIn = () =>
    gates.database.ownerWrite(async (sql) => {
      const customer = await lockCustomer(sql, person.sub);
      if (!customer) return undefined;
      rejectClosedAccount(customer);
      const context = depsOf(gates, sql);
      await updateEmail(context, customer, person.email ?? null);
      return openSession(context, customer.id, former);
    });
  const session = await signIn();
  if (session) return session;
  if (gates.billing && flow.paymentId) await settlePurchase(gates.billing, person, flow.paymentId);
  const opened = flow.paymentId && (await signIn());
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

function depsOf({ now, newId, keyEnvironment }: PipelineDependencies, sql: Sql): RequestContext {
  return { sql, now, newId, keyEnvironment };
}
