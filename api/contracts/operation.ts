import { z } from 'zod';
import type { ProblemCode } from '../errors.ts';

export const SCOPES = ['memories:read', 'memories:write', 'account:read', 'keys:write'] as const;
export type Scope = (typeof SCOPES)[number];

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an HTTP answer needs beside the body. */
export interface AnswerFacts {
  status: number;
  location?: string;
  etag?: string;
}

/**
 * An operation, declared once: REST binding, OpenAPI, MCP tool and the contract tests all read it.
 *
 * The input is one strict object whatever the door. Over REST, the names in `path` come from there; the rest from the
 * query of GET and DELETE, and from the body of the other methods.
 */
export interface Operation<
  Id extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  id: Id;
  method: HttpMethod;
  /** Below `/api/v1`, parameters as `{id}`. */
  path: `/${string}`;
  summary: string;
  description?: string;
  /** Name of the MCP tool that does this. */
  tool?: string;
  /** URI of the MCP resource that answers this. */
  resource?: string;
  /** Groups the reference. */
  tag: 'memories' | 'search' | 'account' | 'keys';
  scope: Scope;
  /** A write runs in a transaction with its usage event, and honours `Idempotency-Key`. */
  kind: 'read' | 'write';
  /** True for what works on memories: over REST it needs a plan with that door. */
  memory: boolean;
  input: Input;
  output: Output;
  /** Media type of a success whose output is sent as it is: a text, or a file ({@link streamed}). Default: the output as JSON. */
  sends?: 'text/csv' | 'application/gzip';
  /** Refusals beside those that every operation has ({@link COMMON_ERRORS}). */
  errors: readonly ProblemCode[];
  /** Answers a success may have; the first is the one that {@link Operation.facts} leaves out. */
  statuses: readonly [number, ...number[]];
  facts?: (output: z.output<Output>) => AnswerFacts;
  /** A read of one row or two at a time: it runs on the connections that all callers share, also while a file is being sent. */
  point?: boolean;
  /** A write that changes the account itself or the queue, which a tenant's role may not: its transaction is the owner's. */
  asOwner?: boolean;
  /** Stays open while the account's owner is having it deleted. */
  whileClosing?: boolean;
  /** `If-Match` is taken, as the input field `if_version`. */
  ifMatch?: boolean;
  /** Items of a batch, from the unchecked input: each is a call of the day, each started ten one of the minute. Default 1. */
  items?: (input: unknown) => number;
  /** Tokens of what a model reads of the answer, for the usage event; `count` counts those of a text. */
  tokens?: (answer: z.output<Output>, count: (text: string) => number) => number;
  /** The answer holds a secret: it is never kept for a repeat. */
  secret?: boolean;
  /** The forms in which a door sends an answer, where that is not its JSON: `max_tokens` is held against the longest. */
  sent?: (answer: unknown) => string[];
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

/** What anybody may ask without a key: it is of no tenant, and is not metered. It costs a call of the caller's address. */
export interface PublicOperation<
  Id extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> extends Pick<Operation<Id, Input, Output>, 'id' | 'path' | 'summary' | 'description' | 'tag' | 'input' | 'output'> {
  method: 'GET' | 'POST';
  /** Of a success. */
  status: number;
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
  if (op.memory) codes.add('plan_required');
  if (!op.whileClosing) codes.add('account_closing');
  if (op.items) codes.add('batch_too_large');
  if (op.ifMatch) codes.add('precondition_failed');
  // A NUL or a lone surrogate can come in any text, a query's too.
  codes.add('unprocessable');
  if (op.kind === 'write') {
    codes.add('idempotency_conflict').add('account_read_only');
    if (op.secret) codes.add('secret_already_shown');
  }
  if (takesBody(op)) codes.add('malformed_request').add('body_too_large').add('unsupported_media_type');
  return [...codes];
}

/** True when the input travels in a request body. */
export function takesBody(op: Pick<Operation, 'method'>): boolean {
  return op.method === 'POST' || op.method === 'PUT' || op.method === 'PATCH';
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
