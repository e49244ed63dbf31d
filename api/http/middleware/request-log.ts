import type { Context, Middleware } from 'koa';
import type { Logger } from '../../observability/log.ts';
import type { LogLine } from '../../observability/log-fields.ts';
import type { HttpArea, Metrics } from '../../observability/metrics.ts';
import { loggablePath } from '../loggable-path.ts';
import { type RequestState, stateOf } from '../request-state.ts';

/** Request ids of a caller that are used: of a length and of characters that are safe in logs and headers. */
const SAFE_REQUEST_ID = /^[A-Za-z0-9._-]{8,100}$/;

interface RequestLogOptions {
  log: Logger;
  newId: () => string;
  /** Milliseconds in which the body of a request must arrive. */
  bodyMs?: number | undefined;
  metrics: Pick<Metrics, 'httpFinished'>;
}

/** Gives every request an id, the caller's `X-Request-Id` or a new one, and logs a line when the response is set. The outermost middleware. */
export function requestLog({ log, newId, bodyMs, metrics }: RequestLogOptions): Middleware {
  return async function logRequests(ctx, next) {
    const started = performance.now();
    const given = ctx.get('X-Request-Id');
    const state: RequestState = { requestId: SAFE_REQUEST_ID.test(given) ? given : newId(), bodyMs };
    Object.assign(ctx.state, state);
    ctx.set('X-Request-Id', state.requestId);
    await next();
    const area = areaOf(ctx.path);
    if (area) metrics.httpFinished({ area, status: ctx.status });
    logRequest(ctx, log, performance.now() - started);
  };
}

/** Returns the kind of a path; undefined for the probes. */
function areaOf(path: string): HttpArea | undefined {
  const [, first = ''] = path.toLowerCase().split('/');
  if (['health', 'ready', 'version', 'metrics'].includes(first)) return undefined;
  return AREAS[first] ?? 'pages';
}

const AREAS: Record<string, HttpArea> = {
  api: 'api',
  mcp: 'mcp',
  webhooks: 'webhooks',
  auth: 'auth',
  login: 'auth',
  claim: 'auth',
  welcome: 'auth',
  app: 'dashboard',
  docs: 'docs',
};

function logRequest(ctx: Context, log: Logger, durationMs: number): void {
  const { requestId, caller, operation } = stateOf(ctx);
  const level = ctx.status >= 500 ? 'error' : 'info';
  const line: LogLine = {
    request_id: requestId,
    method: ctx.method,
    // Without the query string, whose filters are a tenant's text.
    path: loggablePath(ctx.path),
    status: ctx.status,
    duration_ms: Math.round(durationMs * 10) / 10,
    ...(operation && { operation }),
    ...(caller && { user_id: caller.userId, key_id: caller.keyId, transport: caller.transport }),
    ...(caller?.sessionId && { session_id: caller.sessionId }),
  };
  log[level](line, 'request');
}
