import { APP_SCOPES, type AppScope } from '../../api/contracts/apps.ts';

/** Parameters of an authorization request that this server knows. Others, such as those of OpenID Connect, are ignored. */
const AUTHORIZATION_PARAMETERS = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'code_challenge',
  'code_challenge_method',
  'state',
];

/**
 * Normalizes an authorization request. Clients ask for scopes of other servers, for none at all, or for the resource with a trailing
 * slash; `prompt` is left out, because a person is asked in any case, unless the client forbids it.
 * @param resource the canonical address of the MCP server
 */
export function authorizationParameters(given: URLSearchParams, resource: string): URLSearchParams {
  const kept = [...given].filter(([name]) => AUTHORIZATION_PARAMETERS.includes(name));
  if (given.get('prompt') === 'none') kept.push(['prompt', 'none']);
  const known = knownScopes(given.get('scope'));
  kept.push(['scope', (known.length > 0 ? known : APP_SCOPES).join(' ')]);
  kept.push(...resourcesOf(given, resource));
  return new URLSearchParams(kept);
}

/**
 * Normalizes a token request in the same way. A refresh may narrow the scopes; one that names those which the client once asked for, and
 * a person did not grant, gets what was granted.
 * @param granted the scopes of the refresh token; undefined where there is none
 */
export function tokenParameters(
  given: URLSearchParams,
  resource: string,
  granted: string | undefined,
): URLSearchParams {
  const kept = [...given].filter(([name]) => name !== 'scope' && name !== 'resource');
  const known = knownScopes(given.get('scope')).filter((scope) => knownScopes(granted).includes(scope));
  if (known.length > 0) kept.push(['scope', known.join(' ')]);
  return new URLSearchParams([...kept, ...resourcesOf(given, resource)]);
}

/** Returns the scopes of a space-separated list that an app may get. */
export function knownScopes(list: string | null | undefined): AppScope[] {
  const given = list?.split(' ') ?? [];
  return APP_SCOPES.filter((scope) => given.includes(scope));
}

/** Returns the resources of a request, with this server's in its canonical form: clients name it with a slash, or by its origin. */
function resourcesOf(given: URLSearchParams, resource: string): [string, string][] {
  const own = new URL(resource);
  return [...new Set(given.getAll('resource').map((text) => (isResource(text, own) ? resource : text)))].map((text) => [
    'resource',
    text,
  ]);
}

function isResource(text: string, own: URL): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, pathname, search, hash } = new URL(text);
  const path = pathname.replace(/\/+$/, '');
  return origin === own.origin && (path === own.pathname || path === '') && search === '' && hash === '';
}
