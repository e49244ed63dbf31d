import { createHash, createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import { MINUTE_MS } from '../time.ts';

/** Our own app at Whop, as its OAuth server knows it. */
export interface WhopOAuth {
  /** Base of `/authorize`, `/token`, `/userinfo` and `/revoke`, without a slash at the end. */
  url: string;
  clientId: string;
  clientSecret: string;
}

/** How long a person may take at Whop's log-in. */
export const LOGIN_MINUTES = 10;

const CALL_TIMEOUT_MS = 8_000;
const FLOW = /^([A-Za-z0-9_-]{43})\.(\d{13})\.([A-Za-z0-9_]{0,100})$/;
const PAYMENT_ID = /^[A-Za-z0-9_]{1,100}$/;

/**
 * A log-in under way, kept in a cookie of the browser that began it. State, nonce and PKCE verifier are made of its secret, the
 * moment it began and the payment it is for, so that whoever changes one of these has lost the others: nothing needs to be
 * stored or signed.
 */
export interface LoginFlow {
  /** The cookie's value. */
  cookie: string;
  state: string;
  nonce: string;
  verifier: string;
  startedAt: number;
  /** The Whop payment that the person comes from. */
  paymentId: string | undefined;
}

/** Begins a log-in. A `paymentId` that cannot be one is left out. */
export function beginLogin(now: Date, paymentId?: string): LoginFlow {
  const payment = paymentId && PAYMENT_ID.test(paymentId) ? paymentId : '';
  return parseLoginCookie(`${randomBytes(32).toString('base64url')}.${now.getTime()}.${payment}`) as LoginFlow;
}

/**
 * The log-in that a callback ends.
 * @throws Problem `login_failed` unless this browser began it, with this state, within {@link LOGIN_MINUTES}
 */
export function resumeLogin(now: Date, cookie: string | undefined, state: string | undefined): LoginFlow {
  const flow = cookie ? parseLoginCookie(cookie) : undefined;
  if (!flow || flow.state !== state) throw loginFailed('This browser did not begin this log-in.');
  const age = now.getTime() - flow.startedAt;
  if (age < 0 || age > LOGIN_MINUTES * MINUTE_MS) throw loginFailed('The log-in took too long.');
  return flow;
}

/** Where the browser is sent to sign in. `email` is asked for because a webhook need not bring one. */
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

/** Who signed in. `sub` is the Whop user's id, the only identity there is. */
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
 * Trades a callback's code for the person. No token outlives this: what Whop gave is revoked before it answers.
 * @throws Problem `login_failed` when Whop refuses or its answer is not about this log-in, `unavailable` when it cannot be reached
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
      throw loginFailed('What Whop answered belongs to another log-in.');
    }
    const found = await request(`${oauth.url}/userinfo`, person, {
      headers: { Authorization: `Bearer ${granted.access_token}` },
    });
    if (found.sub !== claimed.sub) throw loginFailed('What Whop answered is about two people.');
    return { sub: found.sub, email: (found.email_verified && found.email) || undefined };
  } finally {
    await revoke(oauth, granted.refresh_token ?? granted.access_token);
  }
}

/**
 * What an ID token says. Its signature is not looked at: it came from Whop's own address by TLS, in answer to our call
 * (OpenID Connect Core 1.0, 3.1.3.7, point 6).
 */
function parseIdToken(idToken: string): z.output<typeof identity> {
  try {
    return identity.parse(JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()));
  } catch (error) {
    throw loginFailed('Whop did not say who signed in.', error);
  }
}

async function revoke(oauth: WhopOAuth, token: string): Promise<void> {
  const body = JSON.stringify({ token, client_id: oauth.clientId, client_secret: oauth.clientSecret });
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
  // It is over within the hour anyway, and nobody has it: a failure is no reason to refuse the log-in.
  await fetch(`${oauth.url}/revoke`, { ...request, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }).catch(
    () => undefined,
  );
}

async function request<T>(url: string, schema: z.ZodType<T>, request: RequestInit): Promise<T> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    answer = await response.json().catch(() => undefined);
  } catch (error) {
    throw new Problem('unavailable', { detail: 'Whop cannot be reached just now. Try again in a minute.' }, error);
  }
  if (response.status >= 500) {
    throw new Problem('unavailable', { detail: 'Whop has a problem just now. Try again in a minute.' });
  }
  if (!response.ok) throw loginFailed('Whop did not accept this log-in.');
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw loginFailed('Whop answered something else than its documentation says.', parsed.error);
  return parsed.data;
}

function parseLoginCookie(cookie: string): LoginFlow | undefined {
  const parts = FLOW.exec(cookie);
  if (!parts) return undefined;
  const [, secret = '', startedAt, payment] = parts;
  const derive = (purpose: string) =>
    createHmac('sha256', secret).update(`${purpose}.${startedAt}.${payment}`).digest('base64url');
  return {
    cookie,
    state: derive('state'),
    nonce: derive('nonce'),
    verifier: derive('verifier'),
    startedAt: Number(startedAt),
    paymentId: payment || undefined,
  };
}

function loginFailed(detail: string, cause?: unknown): Problem {
  return new Problem('login_failed', { detail: `${detail} Begin again.` }, cause);
}
