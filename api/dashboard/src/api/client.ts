import { OPERATIONS } from 'virtual:operations';
import type { z } from 'zod';
import type { OperationId, OperationOf } from '../../../contracts/index.ts';
import type { HttpMethod } from '../../../contracts/operation.ts';

const operations = OPERATIONS as Record<OperationId, readonly [HttpMethod, string]>;

/** Input of an operation, as its contract declares it. */
export type InputOf<Id extends OperationId> = z.input<OperationOf<Id>['input']>;
/** Output of an operation, as its contract declares it. */
export type OutputOf<Id extends OperationId> = z.output<OperationOf<Id>['output']>;

/** One field that the service rejected. */
export interface FieldError {
  path: string;
  message: string;
}

/** An error response of the service, or `network_error` when there was no response. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly requestId: string | undefined;
  readonly fields: readonly FieldError[];
  /** Seconds after which the same call may succeed. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, problem: Partial<ProblemBody>, retryAfterSeconds?: number) {
    super(problem.detail ?? problem.title ?? `The service responded with ${status}.`);
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.title = problem.title ?? 'The request failed';
    this.requestId = problem.request_id;
    this.fields = problem.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface ProblemBody {
  title: string;
  detail: string;
  code: string;
  request_id: string;
  errors: FieldError[];
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Makes a repetition of the call return the first response. */
  idempotencyKey?: string | undefined;
}

/**
 * Calls an operation with the session of this browser.
 * @throws ApiError for every response that is not a success. Without a session the browser leaves for the sign-in page.
 */
export async function call<Id extends OperationId>(
  id: Id,
  input: InputOf<Id>,
  { signal, idempotencyKey }: CallOptions = {},
): Promise<OutputOf<Id>> {
  const [method] = operations[id];
  const { path, rest } = fillPath(id, input as Record<string, unknown>);
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (hasBody) headers['Content-Type'] = 'application/json';
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  const response = await send(hasBody ? path : `${path}${queryOf(rest)}`, {
    method,
    headers,
    signal: signal ?? null,
    ...(hasBody && { body: JSON.stringify(rest) }),
  });
  if (response.status === 204) return undefined as OutputOf<Id>;
  const isJson = response.headers.get('Content-Type')?.includes('json');
  return (isJson ? response.json() : response.text()) as Promise<OutputOf<Id>>;
}

/** Returns the URL of a GET operation, for a link that downloads its result. */
export function urlOf<Id extends OperationId>(id: Id, input: InputOf<Id>): string {
  const { path, rest } = fillPath(id, input as Record<string, unknown>);
  return `${path}${queryOf(rest)}`;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, {
      code: 'network_error',
      title: 'No connection',
      detail: 'The service could not be reached. Check your connection and try again.',
    });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemBody>;
  if (response.status === 401) leaveForSignIn();
  throw new ApiError(response.status, problem, Number(response.headers.get('Retry-After')) || undefined);
}

/** Opens the sign-in page, which returns to this screen. */
export function leaveForSignIn(): void {
  const next = `${location.pathname}${location.search}`;
  location.assign(`/login?${new URLSearchParams({ next })}`);
}

function fillPath(id: OperationId, input: Record<string, unknown>) {
  const rest = { ...input };
  const path = operations[id][1].replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(rest[name]));
    delete rest[name];
    return value;
  });
  return { path: `/api/v1${path}`, rest };
}

function queryOf(input: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    // The service reads a JSON array, so values may contain commas; an empty value is null.
    query.set(name, value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  return query.size > 0 ? `?${query}` : '';
}
