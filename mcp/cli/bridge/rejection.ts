import { Failure, type FailureFacts } from './failure.ts';
import { isObject } from './message.ts';
import type { Target } from './target.ts';

/** What an answer other than 2xx said, as far as it can be used. */
interface Refusal {
  status: number;
  /** The parsed body when it was JSON, else nothing: a proxy's HTML is no text for a model. */
  body: unknown;
  retryAfter: string | null;
  location: string | null;
  isCall: boolean;
  rawAnswer?: string | undefined;
}

/** The failure that an HTTP status and a problem+json body amount to. */
export function refusalFailure(refusal: Refusal, target: Target): Failure {
  const problem = isObject(refusal.body) ? refusal.body : {};
  const facts: FailureFacts = {
    status: refusal.status,
    code: text(problem.code) ?? `http_${refusal.status}`,
    transient: [502, 503, 504].includes(refusal.status),
  };
  const requestId = text(problem.request_id);
  if (requestId) facts.requestId = requestId;
  if (refusal.rawAnswer) facts.rawAnswer = refusal.rawAnswer;
  if (refusal.status === 429 || refusal.status === 503) {
    const waitMs = retryAfterMs(refusal.retryAfter);
    if (waitMs !== undefined) facts.retryAfterMs = waitMs;
  }
  const said = text(problem.detail) ?? text(problem.title) ?? rpcMessage(problem.error);
  return new Failure('refused', sentenceFor(refusal, said, facts.retryAfterMs, target), facts);
}

function sentenceFor(refusal: Refusal, said: string | undefined, waitMs: number | undefined, target: Target): string {
  const { status } = refusal;
  const why = said ? ` ${endSentence(said)}` : '';
  const wait = waitMs === undefined ? 'in a moment' : `in ${Math.ceil(waitMs / 1000)} s`;
  if (status >= 300 && status < 400) return redirectSentence(refusal.location, target);
  if (status === 401) return refusedKeySentence(why, target);
  if (status === 403)
    return `WhiteMagic does not allow this with the given key (403).${why || ' Use a key with the needed scope, or another plan.'}`;
  if (status === 404) return `There is no MCP service at ${target.base}/mcp (404). Check WHITEMAGIC_URL.`;
  if (status === 413) return `The request is larger than WhiteMagic accepts (413).${why || ' Send less at a time.'}`;
  if (status === 429) return `A limit of WhiteMagic is reached (429).${why} Try again ${wait}.`;
  if (status >= 500) {
    const doubt =
      refusal.isCall && status !== 503 ? ' The call may have been carried out: look before repeating it.' : '';
    return `WhiteMagic at ${target.base} cannot answer just now (${status}).${why} Try again ${wait}.${doubt}`;
  }
  return `WhiteMagic refused the request (${status}).${why}`;
}

function refusedKeySentence(why: string, target: Target): string {
  const shown = `WhiteMagic at ${target.base} refused the API key from ${target.keyFrom} (401).${why}`;
  if (target.keyFrom !== 'WHITEMAGIC_API_KEY')
    return `${shown} Run "npm start" in the checkout again, or set WHITEMAGIC_API_KEY.`;
  return `${shown} Make a new key at ${target.endpoint.origin}, put it into WHITEMAGIC_API_KEY in your MCP configuration, and restart this MCP server.`;
}

function redirectSentence(location: string | null, target: Target): string {
  const place =
    location && URL.canParse(location, target.endpoint.href) ? new URL(location, target.endpoint).origin : undefined;
  return `${target.base} redirects${place ? ` to ${place}` : ''}, which is refused because the key would go along. Set WHITEMAGIC_URL to the final address.`;
}

/** `Retry-After` in its two forms, seconds or a date. */
function retryAfterMs(value: string | null): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The service's words, on one line and of bounded length. */
function text(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return value.replace(/\s+/g, ' ').trim().slice(0, 500) || undefined;
}

function rpcMessage(error: unknown): string | undefined {
  return isObject(error) ? text(error.message) : undefined;
}

function endSentence(words: string): string {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}
