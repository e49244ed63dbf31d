import { z } from 'zod';
import type { ProblemCode } from '../errors.ts';

export const SCOPES = ['memories:read', 'memories:write', 'account:read', 'keys:write'] as const;
export type Scope = (typeof SCOPES)[number];

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

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
  tag: 'memories' | 'search' | 'account' | 'keys';
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
    /** Remains available while the account is being deleted. */
    allowedWhileClosing?: boolean;
  };
  execution: {
    /** A write runs in a transaction with its usage event, and honors `Idempotency-Key`. */
    kind: 'read' | 'write';
    /** `shared`: for reads of one or two rows, which run on the connections that all callers share, even while a file is streamed. */
    connection?: 'shared';
    /** `admin`: for writes to the account itself or to the job queue, which a tenant's database role may not make. */
    role?: 'admin';
    /** The result contains a secret, so it is never stored for a replay. */
    returnsSecret?: boolean;
  };
  cost?: {
    /** Number of batch items in the unvalidated input: each costs one call of the day, every started ten cost one of the minute. Default 1. */
    items?(input: unknown): number;
    /** Tokens of the part of the result that a model reads: what `max_tokens` bounds and the usage event records. Default: not recorded. */
    tokens?(result: z.output<Output>): number;
  };
  input: Input;
  output: Output;
  /** Part of the output that a write of memories returns to a caller without `memories:read`. Required for such writes. */
  receipt?: z.ZodObject;
  /** Error codes beside those that every operation may return ({@link COMMON_ERRORS}). */
  errors: readonly ProblemCode[];
}

/** Gives an operation its exact type. */
export function operation<const Id extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Id, Input, Output>,
): Operation<Id, Input, Output> {
  return declared;
}

/** A file that is sent piece by piece, since it may be larger than memory. */
export interface Streamed {
  name: string;
  bytes: number;
  pieces: AsyncIterable<Buffer>;
}

/** The output of an operation that answers a file. */
export const streamed = z.custom<Streamed>(isStreamed).meta({ type: 'string', format: 'binary' });

/** True for a file that an operation answers. */
export function isStreamed(answer: unknown): answer is Streamed {
  return typeof answer === 'object' && answer !== null && 'pieces' in answer;
}

/** An operation that needs no API key. It belongs to no tenant, is not metered, and counts against the rate limit of the client IP. */
export interface PublicOperation<
  Id extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> extends Pick<Operation<Id, Input, Output>, 'id' | 'summary' | 'description' | 'tag' | 'input' | 'output'> {
  http: { method: 'GET' | 'POST'; path: `/${string}`; statuses: readonly [number] };
}

/** Gives a public operation its exact type. */
export function publicOperation<const Id extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: PublicOperation<Id, Input, Output>,
): PublicOperation<Id, Input, Output> {
  return declared;
}

/** Refusals that a public operation may answer; `rate_limited` by the caller's address. */
export const PUBLIC_ERRORS = [
  'invalid_request',
  'host_not_allowed',
  'origin_not_allowed',
  'unprocessable',
  'rate_limited',
  'internal',
] as const satisfies readonly ProblemCode[];

/** Every refusal a public operation may answer. */
export function publicErrorsOf(operation: PublicOperation): ProblemCode[] {
  const ofBody = ['malformed_request', 'body_too_large', 'unsupported_media_type', 'unavailable'] as const;
  return [...PUBLIC_ERRORS, ...(takesBody(operation) ? ofBody : [])];
}

/** Refusals that any authenticated operation may answer. */
export const COMMON_ERRORS = [
  'invalid_request',
  'unauthenticated',
  'key_expired',
  'scope_required',
  'rate_limited',
  'quota_exceeded',
  'internal',
  'unavailable',
] as const satisfies readonly ProblemCode[];

/** Every refusal an operation may answer, its own and those its kind brings. */
export function errorsOf(op: Operation): ProblemCode[] {
  const codes = new Set<ProblemCode>([...COMMON_ERRORS, 'host_not_allowed', 'origin_not_allowed', ...op.errors]);
  if (isMemoryOperation(op)) codes.add('plan_required');
  if (!op.access.allowedWhileClosing) codes.add('account_closing');
  if (op.cost?.items) codes.add('batch_too_large');
  if (op.http.ifMatch) codes.add('precondition_failed');
  // A NUL or a lone surrogate can come in any text, a query's too.
  codes.add('unprocessable');
  if (op.execution.kind === 'write') {
    codes.add('idempotency_conflict').add('account_read_only');
    if (op.execution.returnsSecret) codes.add('secret_already_shown');
  }
  if (takesBody(op)) codes.add('malformed_request').add('body_too_large').add('unsupported_media_type');
  return [...codes];
}

/** True for operations on memories: over REST they need a plan that includes REST, and their writes need an account that is not read-only. */
export function isMemoryOperation({ access }: Pick<Operation, 'access'>): boolean {
  return access.scope.startsWith('memories:');
}

/** True when the input is sent in a request body. */
export function takesBody({ http: { method } }: { http: { method: HttpMethod } }): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** The names of a path's parameters, in order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
}

export type JsonSchema = Record<string, unknown> & { properties?: Record<string, JsonSchema> };

/**
 * A schema as JSON Schema 2020-12, trimmed for readers that pay by the token: a named format needs no pattern beside
 * it, `null` beside one type is a type list rather than an `anyOf`.
 */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: node }) => {
      const documented = z.globalRegistry.get(zodSchema)?.documentedAs as z.ZodType | undefined;
      if (!documented) return;
      delete node.documentedAs;
      Object.assign(node, jsonSchema(documented, io));
    },
  });
  // Not in the override: there, a schema that several fields share may not be filled in yet.
  trim(json as JsonSchema);
  return json as JsonSchema;
}

function trim(node: JsonSchema): void {
  const { properties = {}, items, additionalProperties, anyOf = [] } = node;
  for (const child of [...Object.values(properties), items, additionalProperties, ...(anyOf as unknown[])]) {
    if (typeof child === 'object' && child !== null) trim(child as JsonSchema);
  }
  collapseNull(node);
  if (node.format) delete node.pattern;
  if (additionalProperties && Object.keys(additionalProperties).length === 0) delete node.additionalProperties;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  if (node.propertyNames && Object.keys(node.propertyNames).join() === 'type') delete node.propertyNames;
}

function collapseNull(node: JsonSchema): void {
  const choices = node.anyOf as JsonSchema[] | undefined;
  if (choices?.length !== 2) return;
  const other = choices.find((choice) => choice.type !== 'null');
  if (!other || !choices.some((choice) => choice.type === 'null') || typeof other.type !== 'string') return;
  delete node.anyOf;
  // The words of the field itself say more than those of its type.
  Object.assign(node, { ...other, ...node }, { type: [other.type, 'null'] });
  if (Array.isArray(other.enum)) node.enum = [...other.enum, null];
}
