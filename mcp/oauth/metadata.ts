import type Router from '@koa/router';
import { APP_SCOPES } from '../../api/contracts/apps.ts';
import { CLIENT_AUTH_METHODS, ROUTES } from './provider.ts';

/**
 * Adds the documents by which clients find the authorization server. They look at the root, or put the path of the MCP server before or
 * behind `.well-known` (RFC 8414, RFC 9728, OpenID Connect Discovery): all get the same.
 */
export function metadataRoutes(router: Router, url: string, publicUrl: () => string): void {
  const add = (name: string, document: () => object) => {
    for (const path of [`/.well-known/${name}`, `/.well-known/${name}/mcp`, `/mcp/.well-known/${name}`]) {
      router.get(path, (ctx) => {
        ctx.body = document();
      });
    }
  };
  add('oauth-protected-resource', () => resourceMetadata(url, publicUrl()));
  add('oauth-authorization-server', () => serverMetadata(url, publicUrl()));
  add('openid-configuration', () => ({
    ...serverMetadata(url, publicUrl()),
    // Members that such a document must have. There are no ID tokens.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }));
}

/** Returns the metadata of the MCP server as a protected resource (RFC 9728). */
function resourceMetadata(url: string, publicUrl: string) {
  return {
    resource: `${url}/mcp`,
    authorization_servers: [url],
    scopes_supported: APP_SCOPES,
    bearer_methods_supported: ['header'],
    resource_name: 'WhiteMagic',
    resource_documentation: `${publicUrl}/docs/connect`,
  };
}

/** Returns the metadata of the authorization server (RFC 8414). */
function serverMetadata(url: string, publicUrl: string) {
  return {
    issuer: url,
    authorization_endpoint: url + ROUTES.authorization,
    token_endpoint: url + ROUTES.token,
    registration_endpoint: url + ROUTES.registration,
    revocation_endpoint: url + ROUTES.revocation,
    jwks_uri: url + ROUTES.jwks,
    scopes_supported: APP_SCOPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'],
    revocation_endpoint_auth_methods_supported: CLIENT_AUTH_METHODS,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    service_documentation: `${publicUrl}/docs/connect`,
  };
}
