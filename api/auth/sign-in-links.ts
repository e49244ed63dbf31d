import type { Sql } from '../../db/client/sql.ts';
import {
  closeSignInLinks,
  countSignInLinks,
  deleteOldSignInLinks,
  findSignInLink,
  insertSignInLink,
  lockEmailAddress,
  type SignInLinkRow,
  type SignInRecipient,
} from '../../db/queries/accounts/sign-in-links.ts';
import { findUser, findUsersByEmail } from '../../db/queries/accounts/users.ts';
import { enqueue } from '../../db/queries/jobs/job-queue.ts';
import { sendSignInLinksJob } from '../../db/queries/jobs/job-types.ts';
import { createFreeUser } from '../accounts/users.ts';
import type { RequestContext } from '../context.ts';
import { hashToken, newToken } from '../keys/secret-token.ts';
import { mailOwner } from '../mail/enqueue.ts';
import type { TemplateData } from '../mail/templates.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { DASHBOARD_PATH } from './landing-path.ts';
import { type Cookie, openSession, type SignInBrowser } from './sessions.ts';

/*
 * A sign-in link opens a session, once. It is e-mailed, or printed where the service runs. Opening it changes nothing, because mail
 * scanners open links: its page has a button.
 */

/** Minutes within which a sign-in link must be used. */
export const SIGN_IN_LINK_MINUTES = 15;
/** Links that an account, or an address without one, is sent within an hour. */
export const SIGN_IN_LINKS_PER_HOUR_MAX = 10;
/** Hours after which an expired link is forgotten. */
export const SIGN_IN_LINK_HOURS_KEPT = 24;

/** Accounts with one address that get a link at once. */
const ACCOUNTS_MAX = 10;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export type SignInLinkState = 'open' | 'used' | 'expired' | 'unknown';

/** The result of using a link. */
export type SignInResult = { state: 'signed_in'; session: Cookie } | { state: Exclude<SignInLinkState, 'open'> };

type LinkContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/** A request of a link by e-mail. */
export interface SignInRequest {
  email: string;
  /** Path that the sign-in leads to. */
  next: string;
  /** Whether an address without an account gets a link that creates one. */
  sign_up: boolean;
}

/**
 * Enqueues the e-mail with a link. A job looks up the address, so neither the response nor its duration reveals whether an account
 * has it. Runs as the database owner.
 */
export function requestSignInLink(sql: Sql, request: SignInRequest): Promise<void> {
  return enqueue(sql, sendSignInLinksJob, request, { key: `sign-in:${request.email.toLowerCase()}` });
}

/**
 * E-mails a link to each account with this address. Returns the data of the e-mail to an address without an account that may sign up,
 * which has no owner in whose outbox it could be.
 * @param context `sql` is a transaction of the database owner
 */
export async function emailSignInLinks(
  context: LinkContext & { publicUrl: string },
  { email, next, sign_up }: SignInRequest,
): Promise<TemplateData<'sign_in_link'> | undefined> {
  const users = await findUsersByEmail(context.sql, email);
  for (const user of users.slice(0, ACCOUNTS_MAX)) {
    if (user.status === 'deleted') continue;
    const link = await issueLimited(context, { user_id: user.id, email: null }, next);
    if (link) await mailOwner(context, user, 'sign_in_link', { ...link, is_new: false });
  }
  if (users.length > 0 || !sign_up) return undefined;
  const link = await issueLimited(context, { user_id: null, email }, next);
  return link && { ...link, is_new: true };
}

/**
 * Creates a link and returns its path and expiry. Only the hash of its secret is stored.
 * @param context `sql` is a transaction of the database owner
 */
export async function issueSignInLink(
  context: LinkContext,
  recipient: SignInRecipient,
  method: SignInLinkRow['method'],
  next = DASHBOARD_PATH,
): Promise<{ path: string; expiresAt: Date }> {
  const token = newToken();
  const now = context.now();
  const expiresAt = new Date(now.getTime() + SIGN_IN_LINK_MINUTES * MINUTE_MS);
  const link = { ...recipient, method, created_at: now, expires_at: expiresAt, used_at: null };
  await insertSignInLink(context.sql, link, hashToken(token));
  const query = next === DASHBOARD_PATH ? '' : `?${new URLSearchParams({ next })}`;
  return { path: `/login/${token}${query}`, expiresAt };
}

/** Returns the state of a link and the address that it signs in, without using it. Runs as the database owner. */
export async function findSignInLinkState(
  context: Pick<RequestContext, 'sql' | 'now'>,
  token: string,
): Promise<{ state: SignInLinkState; email: string | null }> {
  const link = TOKEN.test(token) ? await findSignInLink(context.sql, hashToken(token)) : undefined;
  return { state: stateOf(link, context.now()), email: link?.email ?? link?.account_email ?? null };
}

/**
 * Uses a link: signs the browser in and closes the other open links of the account. Of concurrent attempts one succeeds. For an address
 * without an account it creates one on the free plan.
 * @param context `sql` is a transaction of the database owner
 */
export async function redeemSignInLink(
  context: LinkContext,
  token: string,
  browser: SignInBrowser,
): Promise<SignInResult> {
  const hash = hashToken(token);
  const found = TOKEN.test(token) ? await findSignInLink(context.sql, hash) : undefined;
  if (!found) return { state: 'unknown' };
  // Links of one account or address are used one at a time, and not while the account is being purged.
  if (found.email === null) await findUser(context.sql, found.user_id, true);
  else await lockEmailAddress(context.sql, found.email);
  const link = await findSignInLink(context.sql, hash);
  const state = stateOf(link, context.now());
  if (!link || state !== 'open') return { state: state as Exclude<SignInLinkState, 'open'> };
  const userId = link.user_id ?? (await findOrCreateUser(context, link.email));
  const user = await findUser(context.sql, userId);
  if (!user || user.status === 'deleted') return { state: 'unknown' };
  await closeSignInLinks(context.sql, link, context.now());
  return { state: 'signed_in', session: await openSession(context, userId, browser, link.method) };
}

/** Deletes links that expired {@link SIGN_IN_LINK_HOURS_KEPT} hours ago and returns their number. Runs as the database owner. */
export function deleteExpiredSignInLinks(sql: Sql, now: Date): Promise<number> {
  return deleteOldSignInLinks(sql, new Date(now.getTime() - SIGN_IN_LINK_HOURS_KEPT * HOUR_MS));
}

async function issueLimited(context: LinkContext & { publicUrl: string }, recipient: SignInRecipient, next: string) {
  const anHourAgo = new Date(context.now().getTime() - HOUR_MS);
  if ((await countSignInLinks(context.sql, recipient, anHourAgo)) >= SIGN_IN_LINKS_PER_HOUR_MAX) return undefined;
  const { path, expiresAt } = await issueSignInLink(context, recipient, 'email', next);
  return { url: `${context.publicUrl}${path}`, expires_at: expiresAt.toISOString() };
}

/** Returns the account of an address, which may have been created since its link was sent. The address is locked. */
async function findOrCreateUser(context: LinkContext, email: string): Promise<string> {
  const [known] = await findUsersByEmail(context.sql, email);
  return known?.id ?? createFreeUser(context, email);
}

function stateOf(link: SignInLinkRow | undefined, now: Date): SignInLinkState {
  if (!link) return 'unknown';
  if (link.used_at) return 'used';
  return link.expires_at <= now ? 'expired' : 'open';
}
