import { createHash, randomBytes } from 'node:crypto';
import type { Person } from './people.ts';

export interface OAuthAnswer {
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

/** Whop's OAuth 2.1 server with PKCE: codes are good once, for their client, redirect address and verifier. */
export function oauthServer(client: { id: string; secret: string }) {
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, Person>();
  const revoked: string[] = [];
  const refuse = (error: string): OAuthAnswer => ({ status: 400, body: { error } });

  return {
    /** Tokens that were given back. */
    revoked,
    /** Tokens that still are good. */
    live: () => [...tokens.keys()],
    /** `/oauth/authorize`, as the person who sits there and agrees. */
    authorize(query: URLSearchParams, person: Person): OAuthAnswer {
      const redirectUri = query.get('redirect_uri');
      const challenge = query.get('code_challenge');
      if (query.get('client_id') !== client.id || !redirectUri) return refuse('invalid_client');
      if (query.get('response_type') !== 'code') return refuse('unsupported_response_type');
      if (query.get('code_challenge_method') !== 'S256' || !challenge) return refuse('invalid_request');
      const code = token('code');
      codes.set(code, { person, clientId: client.id, redirectUri, challenge, nonce: query.get('nonce') });
      const location = new URL(redirectUri);
      location.searchParams.set('code', code);
      location.searchParams.set('state', query.get('state') ?? '');
      return { status: 302, location: location.href };
    },
    /** `/oauth/token` with a JSON body. */
    token(body: Record<string, string>): OAuthAnswer {
      const grant = codes.get(body.code ?? '');
      codes.delete(body.code ?? '');
      if (body.grant_type !== 'authorization_code') return refuse('unsupported_grant_type');
      if (body.client_id !== client.id || body.client_secret !== client.secret) return refuse('invalid_client');
      const challenge = createHash('sha256')
        .update(body.code_verifier ?? '')
        .digest('base64url');
      if (!grant || grant.redirectUri !== body.redirect_uri || grant.challenge !== challenge)
        return refuse('invalid_grant');
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
    /** `/oauth/userinfo`. */
    userinfo(authorization: string): OAuthAnswer {
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
    /** `/oauth/revoke`. */
    revoke(body: Record<string, string>): OAuthAnswer {
      tokens.delete(body.token ?? '');
      revoked.push(body.token ?? '');
      return { status: 200, body: {} };
    },
  };
}
