import type { Sql } from '../../db/client/sql.ts';
import { findArtifact, takeArtifact, upsertArtifact } from '../../db/queries/accounts/oauth-artifacts.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { AppScope } from '../contracts/apps.ts';
import { invalidField, Problem } from '../errors.ts';
import { hashToken, newToken } from '../keys/secret-token.ts';
import { MINUTE_MS } from '../time.ts';

/*
 * The consent screen is in the dashboard, at another origin than the OAuth server. An attacker could start a request in one browser and
 * send its consent screen to another person. So a decision by itself grants no access: it makes a ticket, which only the browser of
 * the decision gets, and the OAuth server accepts it only from the browser in which the request was started.
 */

/** Kinds of the artifacts of this file. */
const REQUEST = 'Request';
const TICKET = 'Ticket';
const TICKET_MS = 5 * MINUTE_MS;

/** A request of an app, as the consent screen shows it. */
export interface AppRequest {
  name: string;
  client_id: string;
  /** Where the app receives its code. */
  host: string;
  scopes: AppScope[];
}

/** The decision of a signed-in person about a request. */
export interface Consent {
  requestId: string;
  userId: string;
  sessionId: string;
  allowed: boolean;
  request: AppRequest;
  /** Scopes that are granted. */
  scopes: AppScope[];
  /** Projects that the app is bound to; null for all. */
  projects: string[] | null;
}

interface Decision {
  request: string;
  allowed: boolean;
  scopes?: AppScope[] | undefined;
  projects: string[] | null;
}

/** The OAuth server, as far as operations need it. */
export interface OAuthServer {
  /** Returns its origin, which is known only once it listens. */
  url: () => string;
  /** Runs short statements of the database owner: a pending request belongs to no tenant. */
  sql: Sql;
}

type Context = Pick<RequestContext, 'sql' | 'now'>;

/** Stores what an app asks for, so that any node can show it. `sql` is of the database owner. */
export async function saveRequest(context: Context, id: string, request: AppRequest, expiresAt: Date): Promise<void> {
  const artifact = { kind: REQUEST, idHash: hashToken(id), grant: null, payload: request, expiresAt };
  await upsertArtifact(context.sql, artifact);
}

/** Returns what an app asks for. @throws Problem `not_found` */
export async function getRequest(
  { now }: Pick<RequestContext, 'now'>,
  { request: id }: { request: string },
  oauth: Pick<OAuthServer, 'sql'> | undefined,
) {
  const found = oauth && (await findArtifact<AppRequest>(oauth.sql, REQUEST, hashToken(id)));
  if (!found || found.expires_at <= now()) throw requestEnded();
  return { id, ...found.payload };
}

/**
 * Records the decision about a request and returns the address at which the browser continues.
 * @param context `sql` is a transaction of the database owner
 * @throws Problem `not_found`, `unprocessable`
 */
export async function decide(
  context: Context,
  caller: Caller,
  { request: id, allowed, scopes, projects }: Decision,
  oauth: Pick<OAuthServer, 'url'> | undefined,
) {
  if (!oauth) throw requestEnded();
  const { id: _id, ...request } = await getRequest(context, { request: id }, context);
  const excess = scopes?.filter((scope) => !request.scopes.includes(scope)) ?? [];
  if (excess.length > 0) throw invalidField('scopes', `${excess.join(', ')} was not asked for`);
  const consent: Consent = {
    requestId: id,
    userId: caller.userId,
    sessionId: caller.sessionId as string,
    allowed,
    request,
    scopes: scopes ?? request.scopes,
    projects,
  };
  const ticket = newToken();
  const expiresAt = new Date(context.now().getTime() + TICKET_MS);
  await upsertArtifact(context.sql, {
    kind: TICKET,
    idHash: hashToken(ticket),
    grant: null,
    payload: consent,
    expiresAt,
  });
  return { redirect_url: `${oauth.url()}/interaction/${id}/finish?${new URLSearchParams({ ticket })}` };
}

/**
 * Returns the decision that a ticket stands for, once.
 * @param context `sql` is a transaction of the database owner
 * @throws Problem `not_found` when the ticket ended, was used, or is one of another request
 */
export async function redeemTicket(context: Context, requestId: string, ticket: string): Promise<Consent> {
  const consent = await takeArtifact<Consent>(context.sql, TICKET, hashToken(ticket), context.now());
  if (consent?.requestId !== requestId) throw requestEnded();
  return consent;
}

/** The error of a request that does not exist, ended or was decided. */
export function requestEnded(): Problem {
  return new Problem('not_found', {
    detail: 'This request of an app has ended, or was decided already. Start again in the app.',
  });
}
