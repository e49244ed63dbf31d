import type { ProblemCode } from './generated/types.ts';

/** Error response of the service: a problem document (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode | (string & {});
  request_id: string;
  /** Fields that were wrong, and why. */
  errors: { path: string; message: string }[];
  /** Page on which a larger plan can be bought, where that helps. */
  upgrade_url?: string;
  [member: string]: unknown;
}

/** Base of every error that this client throws. */
export class WhiteMagicError extends Error {
  override name = 'WhiteMagicError';
}

/** The service could not be reached, or the connection broke off. */
export class ConnectionError extends WhiteMagicError {
  override name = 'ConnectionError';
}

/** No response within the time-out. */
export class TimeoutError extends ConnectionError {
  override name = 'TimeoutError';
}

/** A request to a webhook that was not signed with the secret, or too long ago. */
export class WebhookVerificationError extends WhiteMagicError {
  override name = 'WebhookVerificationError';
}

/** The service rejected a call. `code` says why; `/docs/errors` of the service explains each. */
export class ApiError extends WhiteMagicError {
  override name = 'ApiError';
  readonly status: number;
  readonly code: Problem['code'];
  readonly requestId: string;
  readonly errors: Problem['errors'];
  readonly problem: Problem;
  /** Seconds after which a repeat may succeed, if the service named them. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Problem, headers: Headers) {
    const fields = problem.errors.map(({ path, message }) => `${path}: ${message}`);
    super([`${problem.title} (${problem.code}). ${problem.detail}`, ...fields].join('\n  '));
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.request_id;
    this.errors = problem.errors;
    this.problem = problem;
    this.retryAfterSeconds = secondsOf(headers.get('retry-after'));
  }
}

/** 400 or 422: the input is wrong; `errors` names the fields. */
export class InvalidRequestError extends ApiError {
  override name = 'InvalidRequestError';
}
/** 401: the key is missing, unknown, revoked or expired. */
export class AuthenticationError extends ApiError {
  override name = 'AuthenticationError';
}
/** 403: the key or the plan does not allow the call. */
export class PermissionDeniedError extends ApiError {
  override name = 'PermissionDeniedError';
}
/** 404: no such object in this account. */
export class NotFoundError extends ApiError {
  override name = 'NotFoundError';
}
/** 409 or 412: the call contradicts the present state. */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
}
/** 429: too many calls; `retryAfterSeconds` says when to try again. */
export class RateLimitError extends ApiError {
  override name = 'RateLimitError';
}
/** 5xx: the service failed or is unavailable. */
export class ServerError extends ApiError {
  override name = 'ServerError';
}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: InvalidRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  412: ConflictError,
  422: InvalidRequestError,
  429: RateLimitError,
};

/** Reads the error of a response, whatever its body is: a proxy may have sent it. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const { status, headers } = response;
  const ErrorClass = BY_STATUS[status] ?? (status >= 500 ? ServerError : ApiError);
  return new ErrorClass(parseProblem(text) ?? unknownProblem(status, text, headers), headers);
}

function parseProblem(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text);
    return typeof problem?.code === 'string' ? { ...problem, errors: problem.errors ?? [] } : undefined;
  } catch {
    return undefined;
  }
}

function unknownProblem(status: number, text: string, headers: Headers): Problem {
  return {
    type: 'about:blank',
    title: `Status ${status}`,
    status,
    detail: text.slice(0, 200),
    code: 'unknown',
    request_id: headers.get('x-request-id') ?? '',
    errors: [],
  };
}

/** Parses `Retry-After`: seconds, or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000);
}
