import { normalize } from '../normalize.ts';

/** A failed request to an endpoint. The message contains neither the response's text nor the key. */
export class EndpointFailure extends Error {
  /** True if the same request may succeed later. */
  readonly isTransient: boolean;
  /** True if there was no response in time. */
  readonly isTimeout: boolean;
  /** True if the endpoint rejected these texts; other texts may succeed. */
  readonly isAboutInput: boolean;
  /** True if the endpoint rejected the number of requests, or asked for a pause; these texts are not the reason. */
  readonly isAboutLoad: boolean;
  /** Pause that the endpoint asked for, in milliseconds; 0 without one. */
  readonly pauseMs: number;

  constructor(
    message: string,
    {
      isTransient = false,
      isTimeout = false,
      isAboutInput = false,
      isAboutLoad = false,
      pauseMs = 0,
      cause,
    }: Partial<EndpointFailure> = {},
  ) {
    super(message, { cause });
    this.isTransient = isTransient;
    this.isTimeout = isTimeout;
    this.isAboutInput = isAboutInput;
    this.isAboutLoad = isAboutLoad;
    this.pauseMs = pauseMs;
  }
}

interface EndpointRequest {
  url: string;
  key?: string;
  model: string;
  /** Requested vector length, for models that offer several. */
  dimensions?: number;
  /** Further members of the request's body. */
  parameters?: Readonly<Record<string, unknown>>;
  inputs: readonly string[];
  signal: AbortSignal;
  /** Timeout of this request. */
  timeoutMs: number;
}

/**
 * Sends one request in OpenAI's embeddings protocol. Returns L2-normalized vectors in the order of the inputs.
 * @throws EndpointFailure
 */
export async function requestVectors(request: EndpointRequest): Promise<Float32Array[]> {
  const response = await post(request);
  if (!response.ok) {
    await response.body?.cancel();
    throw failureOf(response);
  }
  const body: unknown = await response.json().catch((cause) => {
    throw new EndpointFailure('the endpoint returned no JSON', { isTransient: true, cause });
  });
  return vectorsOf(body, request.inputs.length);
}

async function post(request: EndpointRequest): Promise<Response> {
  const { url, key, model, dimensions, parameters, inputs, signal, timeoutMs } = request;
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ ...parameters, model, input: inputs, ...(dimensions && { dimensions }) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      // The key must not be sent anywhere but to the configured address.
      redirect: 'error',
    });
  } catch (cause) {
    signal.throwIfAborted();
    const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError';
    const message = isTimeout ? `the endpoint took more than ${timeoutMs} ms` : 'the endpoint cannot be reached';
    throw new EndpointFailure(message, { isTransient: true, isTimeout, cause });
  }
}

function failureOf({ status, headers }: Response): EndpointFailure {
  const isTransient = status >= 500 || status === 408 || status === 425 || status === 429;
  const pauseMs = retryAfterMs(headers.get('retry-after'));
  return new EndpointFailure(`the endpoint returned ${status}`, {
    isTransient,
    isAboutInput: status === 400 || status === 413 || status === 422,
    isAboutLoad: status === 429 || pauseMs > 0,
    pauseMs,
  });
}

/** Parses `Retry-After` (RFC 9110, section 10.2.3: seconds or a date) to milliseconds; 0 without one. */
function retryAfterMs(value: string | null): number {
  if (value === null) return 0;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function vectorsOf(body: unknown, count: number): Float32Array[] {
  const data = (body as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count)
    throw new EndpointFailure('the endpoint returned no list of vectors');
  const vectors: Float32Array[] = [];
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    vectors[Number(index)] = vectorOf(embedding);
  }
  const length = vectors[0]?.length;
  // Two items with the same index leave a hole.
  if (vectors.length !== count || Array.from(vectors).some((vector) => vector?.length !== length)) {
    throw new EndpointFailure('the endpoint returned vectors of different lengths or with duplicate indexes');
  }
  return vectors;
}

function vectorOf(embedding: unknown): Float32Array {
  const isVector = Array.isArray(embedding) && embedding.length > 0 && embedding.every(Number.isFinite);
  if (!isVector) throw new EndpointFailure('the endpoint returned an invalid vector');
  return normalize(Float32Array.from(embedding));
}
