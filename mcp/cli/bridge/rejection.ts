import { Failure, type FailureDetails } from './failure.ts';
import { isObject } from './message.ts';
import type { Target } from './target.ts';

/** A response with a status other than 2xx. */
interface ErrorResponse {
  status: number;
  /** Parsed body if it was JSON, else undefined: a proxy's HTML is not passed to a model. */
  body: unknown;
  retryAfter: string | null;
  location: string | null;
  isCall: boolean;
  rawResponse?: string | undefined;
}

/** Converts an HTTP status and a problem+json body to a failure. */
export function httpFailure(response: ErrorResponse, target: Target): Failure {
  const problem = problemOf(response.body);
  const details: FailureDetails = {
    status: response.status,
    code: text(problem.code) ?? `http_${response.status}`,
    transient: [502, 503, 504].includes(response.status),
  };
  const requestId = text(problem.request_id);
  if (requestId) details.requestId = requestId;
  if (response.rawResponse) details.rawResponse = response.rawResponse;
  if (response.status === 429 || response.status === 503) {
    const waitMs = retryAfterMs(response.retryAfter);
    if (waitMs !== undefined) details.retryAfterMs = waitMs;
  }
  const serviceMessage = text(problem.detail) ?? text(problem.title) ?? rpcMessage(problem.error);
  return new Failure('rejected', messageFor(response, serviceMessage, details.retryAfterMs, target), details);
}

/** Returns the problem document of a body: the body itself, or the `data` of a JSON-RPC error. */
function problemOf(body: unknown): Record<string, unknown> {
  if (!isObject(body)) return {};
  return isObject(body.error) && isObject(body.error.data) ? body.error.data : body;
}

function messageFor(
  response: ErrorResponse,
  serviceMessage: string | undefined,
  waitMs: number | undefined,
  target: Target,
): string {
  const { status } = response;
  const reason = serviceMessage ? ` ${endWithPeriod(serviceMessage)}` : '';
  const wait = waitMs === undefined ? 'in a moment' : `in ${Math.ceil(waitMs / 1000)} s`;
  if (status >= 300 && status < 400) return redirectMessage(response.location, target);
  if (status === 401) return rejectedKeyMessage(reason, target);
  if (status === 403)
    return `WhiteMagic does not allow this with the given key (403).${reason || ' Use a key with the needed scope, or another plan.'}`;
  if (status === 404) return `There is no MCP service at ${target.base}/mcp (404). Check WHITEMAGIC_URL.`;
  if (status === 407)
    return 'The proxy wants a login (407). Put user and password into HTTPS_PROXY: http://user:password@proxy:port.';
  if (status === 413) return `The request is larger than WhiteMagic accepts (413).${reason || ' Send less at a time.'}`;
  if (status === 429) return `A limit of WhiteMagic is reached (429).${reason} Try again ${wait}.`;
  if (status >= 500) {
    const doubt =
      response.isCall && status !== 503 ? ' The call may have been carried out: look before repeating it.' : '';
    return `WhiteMagic at ${target.base} is unavailable right now (${status}).${reason} Try again ${wait}.${doubt}`;
  }
  return `WhiteMagic rejected the request (${status}).${reason}`;
}

function rejectedKeyMessage(reason: string, target: Target): string {
  const shown = `WhiteMagic at ${target.base} rejected the API key from ${target.keyFrom} (401).${reason}`;
  if (target.keyFrom !== 'WHITEMAGIC_API_KEY')
    return `${shown} Run "npm start" in the checkout again, or set WHITEMAGIC_API_KEY.`;
  return `${shown} Make a new key at ${target.endpoint.origin}, put it into WHITEMAGIC_API_KEY in your MCP configuration, and restart this MCP server.`;
}

function redirectMessage(location: string | null, target: Target): string {
  const place =
    location && URL.canParse(location, target.endpoint.href) ? new URL(location, target.endpoint).origin : undefined;
  return `${target.base} redirects${place ? ` to ${place}` : ''}, but the bridge does not send the key to another address. Set WHITEMAGIC_URL to the final address.`;
}

/** Parses `Retry-After`, which is seconds or a date. */
function retryAfterMs(value: string | null): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Returns a text of the service on one line, at most 500 characters long. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return value.replace(/\s+/g, ' ').trim().slice(0, 500) || undefined;
}

function rpcMessage(error: unknown): string | undefined {
  return isObject(error) ? text(error.message) : undefined;
}

function endWithPeriod(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
