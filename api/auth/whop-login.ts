import { createHash, createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import { MINUTE_MS } from '../time.ts';
import { landingPath } from './landing-path.ts';

/** Credentials of this service's app at Whop's OAuth server. */
export interface WhopOAuth {
  /** Base URL of `/authorize`, `/token`, `/userinfo` and `/revoke`, without a trailing slash. */
  url: string;
  clientId: string;
  clientSecret: string;
}

/** Minutes within which a log-in must be completed. */
export const LOGIN_MINUTES = 10;

const CALL_TIMEOUT_MS = 8_000;
const FLOW = /^([A-Za-z0-9_-]{43})\.(\d{13})\.([A-Za-z0-9_]{0,100})\.([A-Za-z0-9_-]{0,700})$/;
const PAYMENT_ID = /^[A-Za-z0-9_]{1,100}$/;

/**
 * A pending log-in, kept in a cookie of the browser that started it. State, nonce and PKCE verifier are derived from the cookie's
 * secret, start time, payment and path, so changing any of them invalidates the log-in: nothing has to be stored or signed.
 */
export interface LoginFlow {
  /** The cookie's value. */
  cookie: string;
  state: string;
  nonce: string;
  verifier: string;
  startedAt: number;
  /** The Whop payment that the user was redirected from. */
  paymentId: string | undefined;
  /** Path of the dashboard that the log-in leads to. */
  next: string;
}

/** Starts a log-in. A malformed `paymentId` is ignored, and so is a path outside the dashboard. */
export function beginLogin(now: Date, paymentId?: string, next?: string): LoginFlow {
  const payment = paymentId && PAYMENT_ID.test(paymentId) ? paymentId : '';
  const secret = randomBytes(32).toString('base64url');
  const path = Buffer.from(landingPath(next)).toString('base64url');
  return parseLoginCookie(`${secret}.${now.getTime()}.${payment}.${path}`) as LoginFlow;
}

/**
 * Restores the pending log-in that a callback completes.
 * @throws Problem `login_failed` unless this browser started it, with this state, within {@link LOGIN_MINUTES}
 */
export function resumeLogin(now: Date, cookie: string | undefined, state: string | undefined): LoginFlow {
  const flow = cookie ? parseLoginCookie(cookie) : undefined;
  if (!flow || flow.state !== state) throw loginFailed('This log-in was not started in this browser.');
  const age = now.getTime() - flow.startedAt;
  if (age < 0 || age > LOGIN_MINUTES * MINUTE_MS) throw loginFailed('The log-in took too long.');
  return flow;
}

/** Returns the URL of Whop's log-in page. Requests the `email` scope because a webhook may lack the address. */
export function authorizeUrl({ url, clientId }: WhopOAuth, flow: LoginFlow, redirectUri: string): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: flow.state,
    nonce: flow.nonce,
    code_challenge: createHash('sha256').update(flow.verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return `${url}/authorize?${query}`;
}

/** The signed-in Whop user. `sub` is the id of the Whop user and the only identifier. */
export interface WhopIdentity {
  sub: string;
  /** Undefined unless Whop has verified it. */
  email: string | undefined;
}

const tokens = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  id_token: z.string(),
});
const identity = z.object({ sub: z.string(), aud: z.union([z.string(), z.array(z.string())]), nonce: z.string() });
const person = z.object({
  sub: z.string().min(1),
  email: z.string().nullish(),
  email_verified: z.boolean().nullish(),
});

/**
 * Exchanges the code of a callback for the identity of the user. The tokens that Whop issued are revoked before this resolves.
 * @throws Problem `login_failed` when Whop rejects the code or its response belongs to another log-in, `unavailable` when Whop
 *   cannot be reached
 */
export async function exchangeCode(
  oauth: WhopOAuth,
  flow: LoginFlow,
  code: string,
  redirectUri: string,
): Promise<WhopIdentity> {
  const granted = await request(`${oauth.url}/token`, tokens, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: oauth.clientId,
      client_secret: oauth.clientSecret,
      code_verifier: flow.verifier,
    }),
  });
  try {
    const claimed = parseIdToken(granted.id_token);
    if (claimed.nonce !== flow.nonce || ![claimed.aud].flat().includes(oauth.clientId)) {
      throw loginFailed('The response from Whop belongs to another log-in.');
    }
    const found = await request(`${oauth.url}/userinfo`, person, {
      headers: { Authorization: `Bearer ${granted.access_token}` },
    });
    if (found.sub !== claimed.sub) throw loginFailed('The responses from Whop are about two different users.');
    return { sub: found.sub, email: (found.email_verified && found.email) || undefined };
  } finally {
    await revoke(oauth, granted.refresh_token ?? granted.access_token);
  }
}

/**
 * Parses the claims of an ID token. The signature is not verified: the token comes directly from Whop's token endpoint over TLS
 * (OpenID Connect Core 1.0, 3.1.3.7, point 6).
 */
function parseIdToken(idToken: string): z.output<typeof identity> {
  try {
    return identity.parse(JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()));
  } catch (error) {
    throw loginFailed('The response from Whop does not identify you.', error);
  }
}

async function revoke(oauth: WhopOAuth, token: string): Promise<void> {
  const body = JSON.stringify({ token, client_id: oauth.clientId, client_secret: oauth.clientSecret });
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
  // A failure does not fail the log-in: the token expires within an hour and is stored nowhere.
  await fetch(`${oauth.url}/revoke`, { ...request, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }).catch(
    () => undefined,
  );
}

async function request<T>(url: string, schema: z.ZodType<T>, request: RequestInit): Promise<T> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    body = await response.json().catch(() => undefined);
  } catch (error) {
    throw new Problem('unavailable', { detail: 'Whop cannot be reached at the moment. Try again in a minute.' }, error);
  }
  if (response.status >= 500) {
    throw new Problem('unavailable', { detail: 'Whop has a problem at the moment. Try again in a minute.' });
  }
  if (!response.ok) throw loginFailed('Whop did not accept this log-in.');
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw loginFailed('Whop sent an unexpected response.', parsed.error);
  return parsed.data;
}

function parseLoginCookie(cookie: string): LoginFlow | undefined {
  const parts = FLOW.exec(cookie);
  if (!parts) return undefined;
  const [, secret = '', startedAt, payment, path = ''] = parts;
  const derive = (purpose: string) =>
    createHmac('sha256', secret).update(`${purpose}.${startedAt}.${payment}.${path}`).digest('base64url');
  return {
    cookie,
    state: derive('state'),
    nonce: derive('nonce'),
    verifier: derive('verifier'),
    startedAt: Number(startedAt),
    paymentId: payment || undefined,
    next: landingPath(Buffer.from(path, 'base64url').toString()),
  };
}

function loginFailed(detail: string, cause?: unknown): Problem {
  return new Problem('login_failed', { detail: `${detail} Please try again.` }, cause);
}
