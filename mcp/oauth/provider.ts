import { generateKeyPairSync } from 'node:crypto';
import type { ClientAuthMethod, KoaContextWithOIDC } from 'oidc-provider';
import { errors, interactionPolicy, Provider } from 'oidc-provider';
import { APP_SCOPES } from '../../api/contracts/apps.ts';
import { type OutgoingPolicy, sendRequest } from '../../api/outgoing/send-request.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { type AdapterOptions, createAdapters, digestOf } from './adapter.ts';
import { documentMetadata } from './client-metadata.ts';

export interface ProviderOptions extends AdapterOptions {
  /** Origin of the OAuth server, its issuer. */
  url: string;
  /** Canonical address of the MCP server that tokens are for. */
  resource: string;
  outgoing: OutgoingPolicy;
  /** Limits the documents of clients that a client IP makes this server fetch. @throws Problem `rate_limited` */
  limitFetch: (ip: string) => Promise<void>;
  /** Responds with a page about an error that cannot be sent to the app. */
  renderError: (ctx: KoaContextWithOIDC, error: { error: string; error_description?: string | undefined }) => void;
}

const DAY = 86_400;
const ACCESS_TOKEN_SECONDS = 3_600;
/** An app that is not used for this long must ask again. Each refresh starts anew. */
const REFRESH_TOKEN_SECONDS = 90 * DAY;
const CODE_SECONDS = 60;
/** Time to sign in and to decide. */
export const REQUEST_SECONDS = 3_600;
/** A grant ends with its last refresh token, so it needs no end of its own. */
const GRANT_SECONDS = 100 * 365 * DAY;

const DOCUMENT_BYTES_MAX = 20_480;
const DOCUMENT_TIMEOUT_MS = 4_000;

/** Ways in which a client may authenticate at the token endpoint: those with secrets for registered clients, signatures for clients with a document. */
export const CLIENT_AUTH_METHODS = [
  'none',
  'client_secret_post',
  'client_secret_basic',
  'private_key_jwt',
] as const satisfies readonly ClientAuthMethod[];

/** Paths of the endpoints. Clients that read no metadata guess these. */
export const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  jwks: '/jwks',
};

/**
 * Creates the authorization server: OAuth 2.1 with PKCE for clients that register themselves or are described by a document at their
 * URL. It has neither a sign-in nor pages: each request becomes an interaction, which a person decides in the dashboard.
 */
export function createProvider(options: ProviderOptions): Provider {
  const { url, resource, database } = options;
  const isSecure = url.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', secure: isSecure, signed: false } as const;
  const provider = new Provider(url, {
    adapter: createAdapters(options),
    routes: ROUTES,
    scopes: [],
    responseTypes: ['code'],
    clientAuthMethods: [...CLIENT_AUTH_METHODS],
    // Tokens are opaque, and without OpenID Connect nothing is signed, but the provider requires a key.
    jwks: { keys: [unusedKey()] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    pkce: { required: () => true },
    cookies: {
      names: { session: 'wm_oauth', interaction: 'wm_oauth_request', resume: 'wm_oauth_resume' },
      long: cookie,
      short: cookie,
    },
    interactions: { policy: consentPolicy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    // Each consent is an access of its own, so that two devices of one app do not end each other.
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
    },
    async findAccount(_ctx, id) {
      const user = await findUser(database.owner, id);
      const isKnown = user !== undefined && user.status !== 'deleted';
      return isKnown ? { accountId: id, claims: async () => ({ sub: id }) } : undefined;
    },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    revokeGrantPolicy: () => true,
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: ACCESS_TOKEN_SECONDS,
      AuthorizationCode: CODE_SECONDS,
      RefreshToken: REFRESH_TOKEN_SECONDS,
      Interaction: REQUEST_SECONDS,
      Session: REQUEST_SECONDS,
      Grant: GRANT_SECONDS,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, indicator) {
          if (indicator !== resource) throw new errors.InvalidTarget(`the only resource of this server is ${resource}`);
          return { scope: APP_SCOPES.join(' '), audience: resource, accessTokenFormat: 'opaque' };
        },
      },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        async allowFetch(ctx) {
          // Without a request: the screen of a consent reads a client that this node did not know yet.
          if (ctx) await options.limitFetch(ctx.ip);
          return true;
        },
      },
    },
    fetch: (address) => fetchDocument(String(address), options.outgoing),
    fetchResponseBodyLimits: { 'client_id metadata document': DOCUMENT_BYTES_MAX, jwks_uri: DOCUMENT_BYTES_MAX },
    renderError: options.renderError,
  });
  provider.Client.prototype.compareClientSecret = function compareClientSecret(given) {
    return digestOf(given) === this.clientSecret;
  };
  return provider;
}

function unusedKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
}

/** Asks for a decision about every request that has none. */
function consentPolicy() {
  const policy = interactionPolicy.base();
  policy.clear();
  const check = new interactionPolicy.Check(
    'undecided',
    'a person must decide',
    'consent_required',
    ({ oidc }) => oidc.result?.consent === undefined,
  );
  policy.add(new interactionPolicy.Prompt({ name: 'consent', requestable: true }, check));
  return policy;
}

/** Fetches the document of a client, or its keys, from a public address only. */
async function fetchDocument(address: string, policy: OutgoingPolicy): Promise<Response> {
  const headers = { Accept: 'application/json' };
  const limits = { headers, timeoutMs: DOCUMENT_TIMEOUT_MS, bytesMax: DOCUMENT_BYTES_MAX };
  const { status, headers: received, body, isTruncated } = await sendRequest(address, limits, policy);
  if (isTruncated) throw new Error(`a client's document is larger than ${DOCUMENT_BYTES_MAX} bytes`);
  const cacheControl = received['cache-control'];
  const init = {
    status,
    headers: { 'Content-Type': 'application/json', ...(cacheControl && { 'Cache-Control': cacheControl }) },
  };
  const parsed = status === 200 ? parseObject(body.toString('utf8')) : undefined;
  if (parsed?.client_id !== address) return new Response(body.toString('utf8'), init);
  return new Response(JSON.stringify(documentMetadata(parsed)), init);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
