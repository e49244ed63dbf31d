const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const REDIRECTS_MAX = 20;
const NAME_LENGTH_MAX = 80;
/** Ways in which a registered client may authenticate at the token endpoint. */
const SECRET_METHODS = ['client_secret_post', 'client_secret_basic'];

type Metadata = Record<string, unknown>;

/**
 * Reduces the metadata that a client registers (RFC 7591) to what this server uses. Clients name scopes and grant types that they know
 * from other servers; what does not concern this one is left out rather than rejected (RFC 7591, section 2).
 */
export function registeredMetadata(given: Metadata): Metadata {
  const method = SECRET_METHODS.find((known) => known === given.token_endpoint_auth_method) ?? 'none';
  return { ...commonMetadata(given), token_endpoint_auth_method: method };
}

/** Reduces the document at a client's URL in the same way. Its client has no secret, but may sign its token requests. */
export function documentMetadata(given: Metadata): Metadata {
  const { token_endpoint_auth_method: method, jwks, jwks_uri, token_endpoint_auth_signing_alg: algorithm } = given;
  const signs = method === 'private_key_jwt';
  return {
    ...commonMetadata(given),
    client_id: given.client_id,
    // A secret in a public document is none: the provider rejects it.
    token_endpoint_auth_method: signs || SECRET_METHODS.some((known) => known === method) ? method : 'none',
    ...(signs && { jwks, jwks_uri, token_endpoint_auth_signing_alg: algorithm }),
  };
}

function commonMetadata({ client_name, redirect_uris }: Metadata): Metadata {
  const redirects = Array.isArray(redirect_uris) ? redirect_uris.slice(0, REDIRECTS_MAX) : redirect_uris;
  return {
    client_name: displayName(client_name),
    redirect_uris: redirects,
    // The rules of native apps: https, any port of the loopback interface, and schemes of programs.
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
}

/** Returns a client's name as one short line; undefined where it has none. */
function displayName(given: unknown): string | undefined {
  if (typeof given !== 'string') return undefined;
  const line = given.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.slice(0, NAME_LENGTH_MAX) || undefined;
}

/** Returns where an app receives its codes, for people: a host name, `localhost` for any loopback address, or the scheme of a program. */
export function redirectHost(redirectUri: string): string {
  const { protocol, hostname, host } = new URL(redirectUri);
  if (protocol !== 'https:' && protocol !== 'http:') return protocol;
  return LOOPBACK.test(hostname) ? 'localhost' : host;
}
