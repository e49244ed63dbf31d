import type { Sql } from '../../db/client/sql.ts';
import { acceptTerms } from '../../db/queries/accounts/accepted-terms.ts';
import {
  type ActivationLinkRow,
  deleteOldActivationLinks,
  findActivationLink,
  insertActivationLink,
  listUnusedActivatedKeys,
  useActivationLink,
} from '../../db/queries/accounts/activation-links.ts';
import { findKey, updateKey } from '../../db/queries/accounts/api-keys.ts';
import { findUser, findUsersByEmail, type UserRow } from '../../db/queries/accounts/users.ts';
import { enqueue } from '../../db/queries/jobs/job-queue.ts';
import { sendActivationLinksJob } from '../../db/queries/jobs/job-types.ts';
import { countEmails } from '../../db/queries/jobs/outbox.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { SCOPES } from '../contracts/operation.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS } from '../time.ts';
import { TERMS_VERSION } from '../version.ts';
import { announceKeyCreated, issueKey, recordKeyRevoked } from './keys.ts';
import { hashToken, newToken } from './secret-token.ts';

/*
 * An activation link creates one API key, once. The key is neither e-mailed nor stored: it is generated when the button on the
 * link's page is pressed, and appears in that response only.
 */

/** Days that an activation link can be used. */
export const ACTIVATION_LINK_DAYS = 7;
/** Days that an expired, unused link is kept, so that its page can say that it has expired. */
export const EXPIRED_LINK_DAYS_KEPT = 30;
/** Links that an account can request on `/claim/new` within 24 hours. */
export const LINKS_EMAILED_PER_DAY_MAX = 5;
const DEFAULT_KEY_NAME = 'Default API Key';

/** The name in the audit log. */
const ACTOR = 'claim';
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export type ActivationLinkState = 'open' | 'used' | 'expired' | 'unknown';

/** Result of using an activation link. */
export type RedeemResult =
  | { state: 'redeemed'; apiKey: string; replacedKeys: number }
  | { state: Exclude<ActivationLinkState, 'open'> };

type LinkContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/**
 * Creates an activation link for a user. Only the hash of the token is stored.
 * @param context `sql` is a transaction of the database owner
 */
export async function issueActivationLink(
  context: LinkContext,
  userId: string,
): Promise<{ token: string; expiresAt: Date }> {
  const token = newToken();
  const now = context.now();
  const expiresAt = new Date(now.getTime() + ACTIVATION_LINK_DAYS * DAY_MS);
  const link = { user_id: userId, id: context.newId(), created_at: now, expires_at: expiresAt, used_at: null };
  await insertActivationLink(context.sql, link, hashToken(token));
  return { token, expiresAt };
}

/** Returns the state of an activation link without using it. Runs as the database owner. */
export async function findActivationLinkState(
  context: Pick<RequestContext, 'sql' | 'now'>,
  token: string,
): Promise<ActivationLinkState> {
  const link = TOKEN.test(token) ? await findActivationLink(context.sql, hashToken(token)) : undefined;
  return stateOf(link, context.now());
}

/**
 * Uses an activation link and creates the account's default key. It also invalidates every other open link of the account, so
 * that a link left in a mailbox is worthless, and revokes default keys from earlier links that were never used. Of several
 * concurrent attempts exactly one creates a key.
 * @param context `sql` is a transaction of the database owner
 */
export async function redeemActivationLink(
  context: RequestContext,
  token: string,
  environment: string,
): Promise<RedeemResult> {
  const hash = hashToken(token);
  const found = await findActivationLink(context.sql, hash);
  // Locked until the transaction ends: links of one user are used one at a time, and not while the account is being closed.
  const user = found && (await findUser(context.sql, found.user_id, true));
  const link = user && canActivate(user) ? await findActivationLink(context.sql, hash) : undefined;
  const state = stateOf(link, context.now());
  if (!link || state !== 'open') return { state: state as Exclude<ActivationLinkState, 'open'> };

  const replaced = await revokeUnusedKeys(context, link.user_id);
  const wanted = {
    name: DEFAULT_KEY_NAME,
    scopes: [...SCOPES],
    projects: null,
    expiresAt: null,
    rpmLimit: null,
    environment,
  };
  const { apiKey, key } = await issueKey(context, link.user_id, wanted);
  await useActivationLink(context.sql, link.user_id, link.id, key.id, context.now());
  await acceptTerms(context.sql, link.user_id, TERMS_VERSION, context.now());
  await audit(context, link.user_id, { actor: ACTOR, action: 'keys.create', target: key.id });
  await announceKeyCreated(context, link.user_id, key);
  return { state: 'redeemed', apiKey, replacedKeys: replaced };
}

/**
 * Enqueues an e-mail with a new activation link. A job looks up the address, so neither the response nor its duration reveals
 * whether an account has it. Runs as the database owner.
 */
export function requestActivationLink(sql: Sql, email: string): Promise<void> {
  return enqueue(sql, sendActivationLinksJob, { email }, { key: `claim:${email.toLowerCase()}` });
}

/**
 * E-mails a new activation link to each account with this address that received fewer than {@link LINKS_EMAILED_PER_DAY_MAX} within 24 hours.
 * @param context `sql` is a transaction of the database owner
 */
export async function emailActivationLinks(context: LinkContext & { publicUrl: string }, email: string): Promise<void> {
  const aDayAgo = new Date(context.now().getTime() - DAY_MS);
  for (const user of await findUsersByEmail(context.sql, email)) {
    if (!canActivate(user)) continue;
    if ((await countEmails(context.sql, user.id, 'claim', aDayAgo)) >= LINKS_EMAILED_PER_DAY_MAX) continue;
    const { token, expiresAt } = await issueActivationLink(context, user.id);
    const data = { claim_url: activationUrl(context.publicUrl, token), expires_at: expiresAt.toISOString() };
    await mailOwner(context, user, 'claim', data);
  }
}

/** Deletes unused links that expired {@link EXPIRED_LINK_DAYS_KEPT} days ago and returns their number. Runs as the database owner. */
export function deleteExpiredActivationLinks(sql: Sql, now: Date): Promise<number> {
  return deleteOldActivationLinks(sql, new Date(now.getTime() - EXPIRED_LINK_DAYS_KEPT * DAY_MS));
}

/** Returns the URL of an activation link. */
export function activationUrl(publicUrl: string, token: string): string {
  return `${publicUrl}/claim/${token}`;
}

function stateOf(link: ActivationLinkRow | undefined, now: Date): ActivationLinkState {
  if (!link) return 'unknown';
  if (link.used_at) return 'used';
  return link.expires_at <= now ? 'expired' : 'open';
}

/** Returns whether an account may get new keys from activation links: not while it is being deleted. */
export function canActivate({ status }: UserRow): boolean {
  return status === 'active' || status === 'read_only';
}

async function revokeUnusedKeys(context: RequestContext, userId: string): Promise<number> {
  const ids = await listUnusedActivatedKeys(context.sql, userId);
  for (const id of ids) {
    const key = await findKey(context.sql, userId, id, true);
    if (!key) continue;
    await updateKey(context.sql, userId, { ...key, revoked_at: context.now() });
    await recordKeyRevoked(context, userId, key, 'unused');
    await audit(context, userId, { actor: ACTOR, action: 'keys.revoke', target: id });
  }
  return ids.length;
}
