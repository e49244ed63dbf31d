/** Every error code with its HTTP status, its title, and what to do. A code that is not listed does not compile. */
export const PROBLEMS = {
  malformed_request: [400, 'The request body cannot be read', 'Send a JSON object in UTF-8.'],
  invalid_request: [400, 'The request does not match the schema', 'Correct the fields named in `errors`.'],
  login_failed: [400, 'Sign-in failed', 'Start again at /auth/whop.'],
  unauthenticated: [
    401,
    'No valid API key or session',
    'Send `Authorization: Bearer wm_…` with a key of your account; `detail` says what is wrong with the present one. In a browser, sign in at /login.',
  ],
  invalid_signature: [
    401,
    'The webhook signature is missing or invalid',
    'Sign the raw bytes of the body with the secret of the webhook.',
  ],
  key_expired: [401, 'This API key has expired', 'Create a new key, or extend this one with another key.'],
  plan_required: [
    403,
    'Your plan does not include this',
    'Change to the plan named in `required_plan`. REST comes with every paid plan, webhooks with the pro plan.',
  ],
  scope_required: [403, 'This API key lacks a scope', 'Use a key that has the scope named in `detail`.'],
  project_not_allowed: [
    403,
    'This API key is bound to other projects',
    'Name a project of the key; `detail` lists them. Operations on the whole account need a key that is not bound to projects.',
  ],
  session_required: [
    403,
    'Only a signed-in person may do this',
    'Sign in at /login and use the dashboard: an API key may not.',
  ],
  account_read_only: [
    403,
    'This account is read-only',
    'You can still read and export. Renew the plan to write again.',
  ],
  account_closing: [
    403,
    'This account is being deleted',
    'You can still export it, or restore it with POST /api/v1/account/restore.',
  ],
  storage_full: [403, 'The storage of your plan is full', 'Delete memories permanently, or change to a larger plan.'],
  payment_account_mismatch: [
    403,
    'This purchase belongs to another Whop account',
    'Sign in with the Whop account that made the purchase.',
  ],
  tls_required: [403, 'This service is reached by https only', 'Use the URL that `detail` names.'],
  host_not_allowed: [403, 'This host name is not served here', 'Call the service by its public URL.'],
  origin_not_allowed: [403, 'This origin may not call the service', 'Add it to ALLOWED_ORIGINS.'],
  not_found: [
    404,
    'Not found',
    'Check the id. An object of another account gives the same response as one that does not exist.',
  ],
  method_not_allowed: [405, 'This path does not support the method', 'Use a method named in `Allow`.'],
  request_timeout: [408, 'The request did not arrive in time', 'Send it again over a faster connection, or split it.'],
  duplicate_memory: [409, 'An active memory is an exact duplicate', 'Use the memory named in `detail`.'],
  webhook_disabled: [
    409,
    'The webhook is disabled',
    'Enable it first: PATCH /api/v1/webhooks/{id} with `{"status": "enabled"}`.',
  ],
  import_state: [
    409,
    'The state of the import does not allow this',
    'Read the state with GET /api/v1/import/{id}; `detail` says what is possible.',
  ],
  idempotency_conflict: [409, 'This Idempotency-Key was used for another request', 'Use a new key for a new request.'],
  response_gone: [
    410,
    'The first response to this Idempotency-Key is not kept',
    'The request was executed, and is not executed again. Read its result, or send the request with a new key.',
  ],
  secret_already_shown: [
    409,
    'The response contained a secret and is not repeated',
    'Revoke or delete what was created, and create another; or replace the secret once more.',
  ],
  precondition_failed: [412, 'The memory has changed in the meantime', 'Read it again, and send its current version.'],
  body_too_large: [413, 'The request body is too large', 'Split the request.'],
  batch_too_large: [413, 'The batch is larger than your rate limit', 'Send fewer items in one request.'],
  unsupported_media_type: [415, 'The request body is not JSON', 'Send `Content-Type: application/json`, uncompressed.'],
  unprocessable: [422, 'A value in the request is not allowed', 'Correct the fields named in `errors`.'],
  query_too_complex: [
    422,
    'The query is too complex',
    'Shorten the field named in `errors`: search for the words that matter most.',
  ],
  rate_limited: [429, 'Too many requests', 'Wait for the number of seconds in `Retry-After`.'],
  quota_exceeded: [
    429,
    "The day's calls of your plan are used up",
    'They are available again at midnight UTC. A larger plan has more.',
  ],
  concurrency_exceeded: [
    429,
    'Too many of your requests at once',
    'Wait for responses before you send more requests. Nothing was changed.',
  ],
  headers_too_large: [431, 'The request headers are too large', 'Send at most 16 KiB of headers.'],
  cancelled: [499, 'The request was cancelled', 'Nothing was changed. Send it again if you still need it.'],
  internal: [500, 'Internal error', 'Try again. If the error persists, report the `request_id`.'],
  disk_full: [
    503,
    'The disk of the database is full',
    'Nothing was changed. Stored memories can still be read and searched; try to write again later.',
  ],
  overloaded: [
    503,
    'The service is busy',
    'Nothing was changed. Try again after the number of seconds in `Retry-After`.',
  ],
  unavailable: [503, 'The service is temporarily unavailable', 'Nothing was changed. Try again in a few seconds.'],
} as const satisfies Record<string, readonly [status: number, title: string, advice: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** An error in one field. `path` is dotted (`memories.3.title`), and empty for the input as a whole. */
export interface FieldIssue {
  path: string;
  message: string;
}

interface ProblemData {
  detail?: string;
  errors?: FieldIssue[];
  /** HTTP headers of the response, such as `Retry-After`. */
  headers?: Record<string, string>;
  /** Additional members of the problem document (RFC 9457, 3.2). */
  extra?: Record<string, unknown>;
}

/**
 * An error that is reported to the caller as a problem document. Its texts never contain text of a caller or of another
 * service, because over MCP they become a model's input.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly data: ProblemData;

  constructor(code: ProblemCode, data: ProblemData = {}, cause?: unknown) {
    super(data.detail ?? PROBLEMS[code][1], { cause });
    this.name = 'Problem';
    this.code = code;
    this.data = data;
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }
}

/** Creates the error of one field whose value is not allowed (422). */
export function invalidField(path: string, message: string): Problem {
  return new Problem('unprocessable', { detail: path ? `${path}: ${message}` : message, errors: [{ path, message }] });
}

/** Creates the error of a field that takes too much work to search with (422). */
export function tooComplex(path: string, message: string): Problem {
  return new Problem('query_too_complex', { detail: `${path}: ${message}`, errors: [{ path, message }] });
}

/** Codes of errors that a larger plan resolves. */
const LIMITED_BY_PLAN = new Set<ProblemCode>(['plan_required', 'storage_full', 'rate_limited', 'quota_exceeded']);

/**
 * Converts an error to a problem document (RFC 9457, section 3). `type` is the URL of the code's explanation, `upgrade_url`
 * that of the page where a larger plan can be bought.
 */
export function problemDocument(problem: Problem, requestId: string, publicUrl: string) {
  const [status, title, advice] = PROBLEMS[problem.code];
  return {
    type:
      status === 429
        ? 'https://iana.org/assignments/http-problem-types#quota-exceeded'
        : `${publicUrl}/docs/errors#${problem.code}`,
    title,
    status,
    detail: problem.data.detail ?? advice,
    code: problem.code,
    request_id: requestId,
    errors: problem.data.errors ?? [],
    ...(LIMITED_BY_PLAN.has(problem.code) && { upgrade_url: `${publicUrl}/#plans` }),
    ...problem.data.extra,
  };
}
