/** What every refusal is: its HTTP status, its title, and what to do about it. The one list; an unknown code does not compile. */
export const PROBLEMS = {
  malformed_request: [400, 'The request cannot be read', 'Send a JSON object in UTF-8.'],
  invalid_request: [400, 'The request does not fit the contract', 'Correct the fields named in `errors`.'],
  login_failed: [400, 'Signing in did not work', 'Begin again at /auth/whop.'],
  unauthenticated: [
    401,
    'No valid API key',
    'Send `Authorization: Bearer wm_…` with a key that is neither mistyped nor revoked.',
  ],
  bad_signature: [401, 'This webhook is not signed', 'Sign the bytes of the body with the secret of the webhook.'],
  key_expired: [401, 'This API key has expired', 'Make a new key, or set a later expiry with another one.'],
  plan_required: [
    403,
    'Your plan does not include this',
    'The free plan reaches memories over MCP only. REST needs a paid plan.',
  ],
  scope_required: [403, 'This API key may not do this', 'Use a key that has the scope named in `detail`.'],
  account_read_only: [403, 'This account is read-only', 'Reads and exports work; renew the plan to write again.'],
  account_closing: [
    403,
    'This account is being deleted',
    'Until then it can be exported, and brought back: POST /api/v1/account/restore.',
  ],
  storage_full: [403, 'The storage of your plan is used up', 'Delete memories for good, or move to a larger plan.'],
  payment_of_another: [403, 'Somebody else made this purchase', 'Sign in at Whop as the person who bought.'],
  host_not_allowed: [403, 'This host name is not served here', 'Call the service by its public URL.'],
  origin_not_allowed: [403, 'This origin may not call the service', 'Add it to ALLOWED_ORIGINS.'],
  not_found: [
    404,
    'There is no such thing',
    'Check the id; what belongs to another account cannot be told from what does not exist.',
  ],
  method_not_allowed: [405, 'This address does not take this method', 'Use a method named in `Allow`.'],
  duplicate_memory: [409, 'An active memory already says exactly this', 'Use the memory named in `detail`.'],
  idempotency_conflict: [409, 'This Idempotency-Key was used for another request', 'Use a new key for a new request.'],
  secret_already_shown: [
    409,
    'This answer held a secret and was given once',
    'Revoke the key that was made and make another.',
  ],
  precondition_failed: [412, 'The memory has changed meanwhile', 'Read it again, and send its present version.'],
  body_too_large: [413, 'The request body is too large', 'Send less at once.'],
  batch_too_large: [413, 'The batch costs more than your limits ever allow', 'Send fewer items at once.'],
  unsupported_media_type: [
    415,
    'The request body is not JSON',
    'Send `Content-Type: application/json`, not compressed.',
  ],
  unprocessable: [422, 'The request was understood and refused', 'See `errors`.'],
  rate_limited: [429, 'Too many calls in a minute', 'Wait as many seconds as `Retry-After` says.'],
  quota_exceeded: [429, 'The calls of your day are used up', 'They come back at midnight UTC; a larger plan has more.'],
  internal: [500, 'Something broke on our side', 'Try again; if it stays, tell us the `request_id`.'],
  unavailable: [503, 'The service is temporarily unavailable', 'Nothing was changed. Try again in a few seconds.'],
} as const satisfies Record<string, readonly [status: number, title: string, advice: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing wrong with one field. `path` is dotted (`memories.3.title`), empty for the whole. */
export interface FieldIssue {
  path: string;
  message: string;
}

export interface ProblemData {
  detail?: string;
  errors?: FieldIssue[];
  /** HTTP headers that belong to the answer, such as `Retry-After`. */
  headers?: Record<string, string>;
  /** More members of the problem document (RFC 9457, 3.2). */
  extra?: Record<string, unknown>;
}

/** A refusal, thrown by any layer and answered in the one error shape. Its texts are our own words only: over MCP they become a model's input. */
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

/** A refusal by a rule of one field: 422. */
export function refuse(path: string, message: string): Problem {
  return new Problem('unprocessable', { detail: path ? `${path}: ${message}` : message, errors: [{ path, message }] });
}

/** Problems that end where a plan does, so that a larger one is a way out. */
const LIMITED_BY_PLAN = new Set<ProblemCode>(['plan_required', 'storage_full', 'rate_limited', 'quota_exceeded']);

/** The problem document of RFC 9457, section 3. `type` leads to the page that explains the code, `upgrade_url` to the plans. */
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
    ...(LIMITED_BY_PLAN.has(problem.code) && { upgrade_url: `${publicUrl}/api/v1/plans` }),
    ...problem.data.extra,
  };
}
