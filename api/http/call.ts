import type { Context } from 'koa';
import type { Transport } from '../../db/queries/usage/events.ts';
import type { Caller } from '../context.ts';
import { authenticate } from '../pipeline/authenticate.ts';
import { authenticateSession } from '../pipeline/authenticate-session.ts';
import type { Call } from '../pipeline/call.ts';
import type { PipelineDependencies } from '../pipeline/dependencies.ts';
import { getCookie, isSecureService, SESSION_COOKIE, setCookie } from './cookies.ts';
import { stateOf } from './request-state.ts';
import { rejectCrossOrigin } from './same-origin.ts';

/** Largest value of the usage event's column. */
const BYTES_IN_MAX = 2_147_483_647;
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * Resolves the API key of a request, or its access token where those are accepted, to its caller.
 * @throws Problem `unauthenticated`, `key_expired`, `rate_limited`
 */
export async function authenticateRequest(
  ctx: Context,
  pipeline: PipelineDependencies,
  transport: Transport,
): Promise<Caller> {
  const { requestId, acceptsTokens } = stateOf(ctx);
  const sent = { authorization: ctx.get('Authorization'), apiKey: ctx.get('X-API-Key') };
  const credentials = { ...sent, acceptsTokens, address: ctx.ip };
  const caller = await authenticate(pipeline, credentials, transport, (error) =>
    pipeline.onFault(error, { requestId }),
  );
  stateOf(ctx).caller = caller;
  return caller;
}

/**
 * Resolves the API key of a REST request to its caller, or else its session cookie to a caller of the transport `dashboard`. A request
 * with a key header is never one of a session.
 * @throws Problem `unauthenticated`, `key_expired`, `rate_limited`, `origin_not_allowed` for an unsafe method with a cookie that no
 *   page of this service sent
 */
export async function authenticateRestRequest(ctx: Context, pipeline: PipelineDependencies): Promise<Caller> {
  const publicUrl = pipeline.publicUrl();
  const hasKey = ctx.get('Authorization').trim() !== '' || ctx.get('X-API-Key').trim() !== '';
  const token = hasKey ? undefined : getCookie(ctx, isSecureService(publicUrl), SESSION_COOKIE);
  if (token === undefined) return authenticateRequest(ctx, pipeline, 'rest');
  if (!SAFE_METHODS.has(ctx.method)) rejectCrossOrigin(ctx, publicUrl);
  const { caller, extended } = await authenticateSession(pipeline, token, ctx.ip);
  if (extended) setCookie(ctx, isSecureService(publicUrl), SESSION_COOKIE, extended);
  stateOf(ctx).caller = caller;
  return caller;
}

/** Creates the pipeline's call for a request. */
export function callOf(ctx: Context, pipeline: PipelineDependencies, caller: Caller, method: string): Call {
  const { requestId, bytesIn = declaredBytes(ctx) } = stateOf(ctx);
  const { userId, keyId } = caller;
  const given = ctx.get('X-WhiteMagic-Client');
  const client = pipeline.clients.of({ userId, keyId, userAgent: ctx.get('User-Agent'), given });
  return { eventId: pipeline.newId(), requestId, caller, method, client, bytesIn };
}

/** Returns the declared length of a body that was not read, capped so that a false one cannot make the usage event fail. */
function declaredBytes(ctx: Context): number {
  const length = Number(ctx.get('Content-Length'));
  return Number.isSafeInteger(length) ? Math.min(length, BYTES_IN_MAX) : 0;
}
