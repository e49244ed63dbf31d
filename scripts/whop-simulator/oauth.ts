import { createHash, randomBytes } from 'node:crypto';
import type { Person } from './people.ts';

export interface OAuthResponse {
  status: number;
  body?: unknown;
  location?: string;
}

interface Grant {
  person: Person;
  clientId: string;
  redirectUri: string;
  challenge: string;
  nonce: string | null;
}

const token = (prefix: string) => `${prefix}_${randomBytes(16).toString('hex')}`;

/** Simulates Whop's OAuth 2.1 server with PKCE. A code is valid once, for its client, redirect URI and verifier. */
export function createOAuthServer(client: { id: string; secret: string }) {
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, Person>();
  const revoked: string[] = [];
  const fail = (error: string): OAuthResponse => ({ status: 400, body: { error } });

  return {
    /** Tokens that were revoked. */
    revoked,
    /** Tokens that are still valid. */
    live: () => [...tokens.keys()],
    /** `GET /oauth/authorize`, as the person who signs in and consents. */
    authorize(query: URLSearchParams, person: Person): OAuthResponse {
      const redirectUri = query.get('redirect_uri');
      const challenge = query.get('code_challenge');
      if (query.get('client_id') !== client.id || !redirectUri) return fail('invalid_client');
      if (query.get('response_type') !== 'code') return fail('unsupported_response_type');
      if (query.get('code_challenge_method') !== 'S256' || !challenge) return fail('invalid_request');
      const code = token('code');
      codes.set(code, { person, clientId: client.id, redirectUri, challenge, nonce: query.get('nonce') });
      const location = new URL(redirectUri);
      location.searchParams.set('code', code);
      location.searchParams.set('state', query.get('state') ?? '');
      return { status: 302, location: location.href };
    },
    /** `POST /oauth/token` with a JSON body. */
    token(body: Record<string, string>): OAuthResponse {
      const grant = codes.get(body.code ?? '');
      codes.delete(body.code ?? '');
      if (body.grant_type !== 'authorization_code') return fail('unsupported_grant_type');
      if (body.client_id !== client.id || body.client_secret !== client.secret) return fail('invalid_client');
      const challenge = createHash('sha256')
        .update(body.code_verifier ?? '')
        .digest('base64url');
      if (!grant || grant.redirectUri !== body.redirect_uri || grant.challenge !== challenge)
        return fail('invalid_grant');
      const accessToken = token('at');
      tokens.set(accessToken, grant.person);
      const now = Math.floor(Date.now() / 1000);
      const idToken = {
        iss: 'whop',
        sub: grant.person.id,
        aud: client.id,
        nonce: grant.nonce,
        iat: now,
        exp: now + 3600,
      };
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return {
        status: 200,
        body: {
          access_token: accessToken,
          token_type: 'Bearer',
          expires_in: 3600,
          scope: 'openid profile email',
          id_token: `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(idToken)}.c2lnbmF0dXJl`,
        },
      };
    },
    /** `GET /oauth/userinfo`. */
    userinfo(authorization: string): OAuthResponse {
      const person = tokens.get(authorization.replace(/^Bearer /, ''));
      if (!person) return { status: 401, body: { error: 'invalid_token' } };
      return {
        status: 200,
        body: {
          sub: person.id,
          name: person.name,
          preferred_username: person.name,
          picture: null,
          email: person.email,
          email_verified: person.email !== null,
        },
      };
    },
    /** `POST /oauth/revoke`. */
    revoke(body: Record<string, string>): OAuthResponse {
      tokens.delete(body.token ?? '');
      revoked.push(body.token ?? '');
      return { status: 200, body: {} };
    },
  };
}
