import { z } from 'zod';
import type { ProblemCode } from '../errors.ts';

export const SCOPES = ['memories:read', 'memories:write', 'account:read', 'keys:write'] as const;
export type Scope = (typeof SCOPES)[number];

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Input and output of a call as an example. An operation that returns a file has no output in it. */
export interface Example<Input extends z.ZodType, Output extends z.ZodType> {
  input: z.input<Input>;
  output?: z.output<Output>;
}

/**
 * An operation, declared once: the REST binding, OpenAPI, the MCP tool and the contract tests all read it.
 *
 * The input is one strict object, whatever the transport. Over REST the fields named in the path come from there; the
 * rest comes from the query string of GET and DELETE, and from the body of the other methods.
 *
 * Callbacks are declared as methods, so that an operation with exact types is assignable to `Operation`.
 */
export interface Operation<
  Id extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  id: Id;
  summary: string;
  description?: string;
  /** Section of the API reference. */
  tag: 'memories' | 'search' | 'account' | 'keys' | 'webhooks';
  http: {
    method: HttpMethod;
    /** Path below `/api/v1`, with parameters as `{id}`. */
    path: `/${string}`;
    /** Statuses of a success, the default first. */
    statuses: readonly [number, ...number[]];
    /** Media type of an output that is sent as it is: a text, or a file ({@link streamed}). Default: the output as JSON. */
    mediaType?: 'text/csv' | 'application/gzip';
    /** Accepts `If-Match`, as the input field `if_version`. */
    ifMatch?: boolean;
    /** Chooses the status of a success where there are several. */
    status?(result: z.output<Output>): number;
    /** Response headers of a success, beside those of every response. */
    headers?(result: z.output<Output>): Record<string, string>;
  };
  mcp?: {
    /** Name of the tool that runs this operation. */
    tool?: string;
    /** URI of the resource that this operation reads. */
    resource?: string;
  };
  access: {
    scope: Scope;
    /** Needs a plan with this feature. */
    feature?: 'webhooks';
    /** Needs a signed-in person: rejected for an API key, which programs hold. */
    sessionOnly?: boolean;
    /** Needs the session of an operator's account; everybody else gets `not_found`. Set by {@link operatorOperation}. */
    operator?: boolean;
    /** Concerns the account as a whole: rejected for a key that is bound to projects. */
    wholeAccount?: boolean;
    /** Remains available while the account is being deleted. */
    allowedWhileClosing?: boolean;
  };
  execution: {
    /** A write runs in a transaction with its usage event, and honors `Idempotency-Key`. */
    kind: 'read' | 'write';
    /** `shared`: for reads of one or two rows, which run on the connections that all callers share, even while a file is streamed. */
    connection?: 'shared';
    /**
     * `admin`: for writes to the account itself or to the job queue, and for reads of tables without a tenant, which a tenant's database role may not make. `operator`: reads and
     * writes of any account, as the database owner; set by {@link operatorOperation}.
     */
    role?: 'admin' | 'operator';
    /** The result contains a secret, so it is never stored for a replay. */
    returnsSecret?: boolean;
  };
  cost?: {
    /** Number of batch items in the unvalidated input: each costs one call of the day, every started ten cost one of the minute. Default 1. */
    items?(input: unknown): number;
    /** Number of memories that a bulk operation changed, or would change in a dry run: every started ten cost one call of the minute and of the day. */
    changes?(result: z.output<Output>): number;
    /** Quota units of the day that the result costs beyond those of the call, and none of the minute. */
    dayUnits?(result: z.output<Output>): number;
    /** Tokens of the part of the result that a model reads: what `max_tokens` bounds and the usage event records. Default: not recorded. */
    tokens?(result: z.output<Output>): number;
  };
  input: Input;
  output: Output;
  /** Part of the output that a write of memories returns to a caller without `memories:read`. Required for such writes. */
  receipt?: z.ZodObject;
  /** A call, for the reference and the OpenAPI document. */
  example: Example<Input, Output>;
  /** Error codes beside those that every operation may return ({@link COMMON_ERRORS}). */
  errors: readonly ProblemCode[];
}

/** Gives an operation its exact type. */
export function operation<const Id extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Id, Input, Output>,
): Operation<Id, Input, Output> {
  return declared;
}

/** The declaration of an {@link operatorOperation}: access and execution follow from its being one. */
type OperatorDeclaration<Id extends string, Input extends z.ZodType, Output extends z.ZodType> = Omit<
  Operation<Id, Input, Output>,
  'tag' | 'mcp' | 'access' | 'execution' | 'receipt'
> & { kind: 'read' | 'write' };

/**
 * Declares an operation of the operator's screens. It crosses accounts, so only the session of an operator's account may call it, and
 * it runs as the database owner. It is neither in the OpenAPI document nor an MCP tool.
 */
export function operatorOperation<const Id extends string, Input extends z.ZodType, Output extends z.ZodType>({
  kind,
  ...declared
}: OperatorDeclaration<Id, Input, Output>): Operation<Id, Input, Output> {
  return {
    ...declared,
    tag: 'account',
    access: { scope: 'account:read', sessionOnly: true, operator: true },
    execution: { kind, role: 'operator' },
  };
}

/** A file that is sent in chunks, because it may be larger than memory. */
export interface Streamed {
  name: string;
  bytes: number;
  pieces: AsyncIterable<Buffer>;
}

/** The output of an operation that returns a file. */
export const streamed = z.custom<Streamed>(isStreamed).meta({ type: 'string', format: 'binary' });

/** Returns whether the result of an operation is a file. */
export function isStreamed(result: unknown): result is Streamed {
  return typeof result === 'object' && result !== null && 'pieces' in result;
}

/** An operation that needs no API key. It belongs to no tenant, is not metered, and counts against the rate limit of the client IP. */
export interface PublicOperation<
  Id extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> extends Pick<
    Operation<Id, Input, Output>,
    'id' | 'summary' | 'description' | 'tag' | 'input' | 'output' | 'example'
  > {
  http: { method: 'GET' | 'POST'; path: `/${string}`; statuses: readonly [number] };
}

/** Gives a public operation its exact type. */
export function publicOperation<const Id extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: PublicOperation<Id, Input, Output>,
): PublicOperation<Id, Input, Output> {
  return declared;
}

/** Error codes of every public operation. `rate_limited` is by client IP. */
const PUBLIC_ERRORS = [
  'invalid_request',
  'tls_required',
  'host_not_allowed',
  'origin_not_allowed',
  'unprocessable',
  'rate_limited',
  'headers_too_large',
  'internal',
] as const satisfies readonly ProblemCode[];

/** Returns every error code of a public operation. */
export function publicErrorsOf(operation: PublicOperation): ProblemCode[] {
  const ofBody = [
    'malformed_request',
    'request_timeout',
    'body_too_large',
    'unsupported_media_type',
    'disk_full',
    'overloaded',
    'unavailable',
  ] as const;
  return [...PUBLIC_ERRORS, ...(takesBody(operation) ? ofBody : [])];
}

/** Error codes of every authenticated operation. */
const COMMON_ERRORS = [
  'invalid_request',
  'unauthenticated',
  'key_expired',
  'scope_required',
  'rate_limited',
  'quota_exceeded',
  'concurrency_exceeded',
  'headers_too_large',
  'cancelled',
  'internal',
  'disk_full',
  'overloaded',
  'unavailable',
] as const satisfies readonly ProblemCode[];

/** Returns every error code of an operation: its own and those of its kind. */
export function errorsOf(op: Operation): ProblemCode[] {
  const codes = new Set<ProblemCode>([
    ...COMMON_ERRORS,
    'tls_required',
    'host_not_allowed',
    'origin_not_allowed',
    ...op.errors,
  ]);
  if (isMemoryOperation(op) || op.access.feature) codes.add('plan_required');
  if (isMemoryOperation(op) || op.access.wholeAccount) codes.add('project_not_allowed');
  if (op.access.operator) codes.add('not_found');
  else if (op.access.sessionOnly) codes.add('session_required');
  if (!op.access.allowedWhileClosing) codes.add('account_closing');
  if (op.cost?.items || op.cost?.changes || op.cost?.dayUnits) codes.add('batch_too_large');
  if (op.http.ifMatch) codes.add('precondition_failed');
  // Any text may contain NUL or a lone surrogate, also that of a query string.
  codes.add('unprocessable');
  if (op.execution.kind === 'write') {
    codes.add('idempotency_conflict').add('response_gone').add('account_read_only');
    if (op.execution.returnsSecret) codes.add('secret_already_shown');
  }
  if (takesBody(op)) {
    codes.add('malformed_request').add('request_timeout').add('body_too_large').add('unsupported_media_type');
  }
  return [...codes];
}

/** Returns whether an operation is on memories. Over REST it then needs a plan with REST, and a write needs an account that is not read-only. */
export function isMemoryOperation({ access }: Pick<Operation, 'access'>): boolean {
  return access.scope.startsWith('memories:');
}

/** Returns whether the input is sent in a request body. */
export function takesBody({ http: { method } }: { http: { method: HttpMethod } }): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** Returns the names of a path's parameters, in order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
}
