import { Readable } from 'node:stream';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { APP_SCOPES } from '../../api/contracts/apps.ts';
import { Problem } from '../../api/errors.ts';
import { readBytes, readForm, readJson } from '../../api/http/body.ts';
import { rejectOtherMethods } from '../../api/http/middleware/allowed-methods.ts';
import { closeConnections } from '../../api/http/middleware/close-connections.ts';
import { errorHandler } from '../../api/http/middleware/error-handler.ts';
import { checkOrigin } from '../../api/http/middleware/origin.ts';
import { requestLog } from '../../api/http/middleware/request-log.ts';
import { secureHeaders } from '../../api/http/middleware/secure-headers.ts';
import { stateOf } from '../../api/http/request-state.ts';
import { sendPage } from '../../api/http/respond.ts';
import { staticBody } from '../../api/http/static-body.ts';
import type { Logger } from '../../api/observability/log.ts';
import type { OutgoingPolicy } from '../../api/outgoing/send-request.ts';
import { ICON, STYLE } from '../../api/pages/assets.ts';
import { problemPage } from '../../api/pages/problem.ts';
import type { PipelineDependencies } from '../../api/pipeline/dependencies.ts';
import { mountMcp } from '../http.ts';
import { registeredMetadata } from './client-metadata.ts';
import { interactionRoutes } from './interactions.ts';
import { metadataRoutes } from './metadata.ts';
import { authorizationParameters, tokenParameters } from './parameters.ts';
import { createProvider, ROUTES } from './provider.ts';

export interface OAuthAppOptions {
  pipeline: PipelineDependencies;
  log: Logger;
  /** Origin of the OAuth server. */
  url: string;
  allowedOrigins: readonly string[];
  /** Address on which it listens. */
  host: string;
  /** Number of trusted proxies. */
  trustProxy: number;
  bodyBytesMax: number;
  outgoing: OutgoingPolicy;
  isStopping: () => boolean;
}

/** Maximum size of a registration, which lists redirect URIs, and of a form. */
const FORM_BYTES_MAX = 32_768;
/** Paths that a browser opens during a request of an app. */
const BROWSER_PATHS = /^\/(authorize|interaction)(\/|$)/;

/**
 * Composes the Koa app of the OAuth origin: the authorization server, its metadata, and the MCP server for its tokens. It has an origin
 * of its own, because clients that find OAuth metadata at a server ignore a configured key.
 */
export function createOAuthApp(options: OAuthAppOptions): Koa {
  const { pipeline, log, url, host, allowedOrigins, trustProxy, bodyBytesMax, isStopping } = options;
  const { publicUrl, ipLimiter } = pipeline;
  const resource = `${url}/mcp`;
  const provider = createProvider({
    ...options,
    ...pipeline,
    resource,
    limitFetch: (ip) => ipLimiter.consume(ip, { purpose: 'public' }),
    renderError,
  });
  logErrors(provider, log);

  const router = new Router();
  metadataRoutes(router, url, publicUrl);
  interactionRoutes(router, { provider, pipeline, resource });
  mountMcp(router, pipeline, { bodyBytesMax, publicUrl });
  for (const { path, type, body } of [STYLE, ICON]) {
    router.get(
      path,
      staticBody(() => body, { type, cache: 'immutable' }),
    );
  }

  const app = new Koa({ proxy: trustProxy > 0, maxIpsCount: trustProxy });
  app.on('error', (error) => log.info({ err: error }, 'a response was not sent completely'));
  app.use(closeConnections(isStopping));
  app.use(requestLog({ log, newId: pipeline.newId, metrics: pipeline.metrics }));
  app.use(errorHandler({ log, publicUrl, metrics: pipeline.metrics }));
  app.use(secureHeaders);
  app.use(checkOrigin({ publicUrl: () => url, allowedOrigins, host }));
  app.use(redirectPeople(publicUrl));
  app.use(challenge(url));
  app.use(limitByIp(pipeline));
  app.use(router.routes());
  app.use(rejectOtherMethods(router.allowedMethods()));
  app.use(normalizeRequest(provider, resource, url.startsWith('https:')));
  // The provider is a Koa app of its own.
  for (const middleware of provider.middleware) app.use(middleware as Middleware);
  return app;
}

/** Leads people who open another address of this origin to the site: it has no pages of its own. */
function redirectPeople(publicUrl: () => string): Middleware {
  return async function leadToSite(ctx, next) {
    const isPage = ctx.method === 'GET' && !ctx.get('Authorization') && ctx.accepts('json', 'html') === 'html';
    if (!isPage || BROWSER_PATHS.test(ctx.path) || ctx.path.includes('/.well-known/')) return next();
    ctx.redirect(publicUrl() + (ctx.path === '/mcp' ? '/app/connect' : ctx.path));
  };
}

/** Accepts access tokens at `/mcp`, and tells a client without a valid one where to get it (RFC 9728, section 5.1). */
function challenge(url: string): Middleware {
  const parameters = `resource_metadata="${url}/.well-known/oauth-protected-resource/mcp", scope="${APP_SCOPES.join(' ')}"`;
  return async function challengeForToken(ctx, next) {
    if (ctx.path.replace(/\/$/, '') !== '/mcp') return next();
    stateOf(ctx).acceptsTokens = true;
    try {
      await next();
    } catch (error) {
      const given = error instanceof Problem && error.data.headers?.['WWW-Authenticate'];
      if (!given) throw error;
      const headers = { ...error.data.headers, 'WWW-Authenticate': `${given}, ${parameters}` };
      throw new Problem(error.code, { ...error.data, headers }, error);
    }
  };
}

const FAILED = new Problem('invalid_request');

/** Limits registrations and requests of apps by client IP, and at the token endpoint those that fail: a client's server has many users behind one IP. */
function limitByIp({ ipLimiter }: Pick<PipelineDependencies, 'ipLimiter'>): Middleware {
  return async function limitRequests(ctx, next) {
    const purpose = 'public';
    if (ctx.path === ROUTES.registration || BROWSER_PATHS.test(ctx.path)) await ipLimiter.consume(ctx.ip, { purpose });
    if (ctx.path !== ROUTES.token && ctx.path !== ROUTES.revocation) return next();
    const attempt = async () => {
      await next();
      if (ctx.status >= 400) throw FAILED;
    };
    await ipLimiter.attempt(ctx.ip, attempt, { purpose }).catch((error) => {
      if (error !== FAILED) throw error;
    });
  };
}

/** Normalizes what clients send to the provider's endpoints, before it checks it. */
function normalizeRequest(provider: Provider, resource: string, isSecure: boolean): Middleware {
  return async function normalizeParameters(ctx, next) {
    // TLS may end at a proxy, so Koa does not know it.
    ctx.cookies.secure = isSecure;
    if (ctx.path === ROUTES.authorization) {
      ctx.querystring = authorizationParameters(new URLSearchParams(ctx.querystring), resource).toString();
    }
    if (ctx.method === 'POST' && ctx.path === ROUTES.registration) {
      const metadata = await readJson(ctx, FORM_BYTES_MAX);
      replayBody(ctx, JSON.stringify(registeredMetadata(isObject(metadata) ? metadata : {})));
    } else if (ctx.method === 'POST' && ctx.path === ROUTES.token) {
      const given = await readForm(ctx, FORM_BYTES_MAX);
      const refreshed = given.get('scope') && (await provider.RefreshToken.find(given.get('refresh_token') ?? ''));
      replayBody(ctx, tokenParameters(given, resource, refreshed ? refreshed.scope : undefined).toString());
    } else if (ctx.method === 'POST') {
      replayBody(ctx, (await readBytes(ctx, FORM_BYTES_MAX)).toString('utf8'));
    }
    await next();
  };
}

/** Gives the provider a request with another body. */
function replayBody(ctx: Context, body: string): void {
  const { method, url, socket, headers } = ctx.req;
  const length = String(Buffer.byteLength(body));
  const request = Object.assign(Readable.from([Buffer.from(body)], { objectMode: false }), {
    method,
    url,
    socket,
    headers: { ...headers, 'content-length': length },
  });
  ctx.req = request as never;
  ctx.request.req = request as never;
}

function renderError(
  ctx: Context,
  { error, error_description: description }: { error: string; error_description?: string | undefined },
): void {
  const detail =
    error === 'invalid_client'
      ? 'This app is not registered here, or no longer. Remove the connection in the app, and add it again.'
      : (description ?? error);
  const { status } = ctx;
  sendPage(ctx, problemPage(new Problem('invalid_request', { detail }), stateOf(ctx).requestId), status);
}

/** Logs why requests of apps were rejected: their people see only that it failed. */
function logErrors(provider: Provider, log: Logger): void {
  provider.on('server_error', (ctx, error) =>
    log.error({ err: error, request_id: stateOf(ctx).requestId }, 'request failed'),
  );
  const logRejection = (ctx: Context, { message, error_detail: detail }: Error & { error_detail?: string }) =>
    log.info({ request_id: stateOf(ctx).requestId, error: message, detail }, 'OAuth: a request of an app was rejected');
  provider.on('authorization.error', logRejection);
  provider.on('grant.error', logRejection);
  provider.on('registration_create.error', logRejection);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
