import { normalise } from '../normalize.ts';

/** What one request to an endpoint came to grief of. The message is our own words: no answer's text, no key. */
export class EndpointFailure extends Error {
  /** Whether the same request may succeed later. */
  readonly isPassing: boolean;
  /** Whether it is these texts that the endpoint does not want: others may be welcome. */
  readonly isAboutInput: boolean;
  /** What the endpoint asked to wait, in milliseconds; 0 if it did not say. */
  readonly pauseMs: number;

  constructor(
    message: string,
    { isPassing = false, isAboutInput = false, pauseMs = 0, cause }: Partial<EndpointFailure> = {},
  ) {
    super(message, { cause });
    this.isPassing = isPassing;
    this.isAboutInput = isAboutInput;
    this.pauseMs = pauseMs;
  }
}

export interface EndpointRequest {
  url: string;
  key?: string;
  model: string;
  /** Asked for, where the model offers several. */
  dimensions?: number;
  inputs: readonly string[];
  signal: AbortSignal;
  /** For this one request. */
  timeoutMs: number;
}

/** One POST in OpenAI's embeddings protocol. L2-normalised vectors in the order of the inputs, or EndpointFailure. */
export async function requestVectors(request: EndpointRequest): Promise<Float32Array[]> {
  const response = await post(request);
  if (!response.ok) {
    await response.body?.cancel();
    throw failureOf(response);
  }
  const answer: unknown = await response.json().catch((cause) => {
    throw new EndpointFailure('the endpoint sent no JSON', { isPassing: true, cause });
  });
  return vectorsOf(answer, request.inputs.length);
}

async function post({ url, key, model, dimensions, inputs, signal, timeoutMs }: EndpointRequest): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ model, input: inputs, ...(dimensions && { dimensions }) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      // The key is for the address that the operator named.
      redirect: 'error',
    });
  } catch (cause) {
    signal.throwIfAborted();
    const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError';
    const message = isTimeout ? `the endpoint took more than ${timeoutMs} ms` : 'the endpoint cannot be reached';
    throw new EndpointFailure(message, { isPassing: true, cause });
  }
}

function failureOf({ status, headers }: Response): EndpointFailure {
  const isPassing = status >= 500 || status === 408 || status === 425 || status === 429;
  return new EndpointFailure(`the endpoint answered ${status}`, {
    isPassing,
    isAboutInput: status === 400 || status === 413 || status === 422,
    pauseMs: retryAfterMs(headers.get('retry-after')),
  });
}

/** RFC 9110, 10.2.3: seconds, or a date. 0 for none. */
function retryAfterMs(value: string | null): number {
  if (value === null) return 0;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function vectorsOf(answer: unknown, count: number): Float32Array[] {
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count) throw new EndpointFailure('the endpoint sent no list of vectors');
  const vectors: Float32Array[] = [];
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = (item ?? {}) as { index?: unknown; embedding?: unknown };
    vectors[Number(index)] = vectorOf(embedding);
  }
  const length = vectors[0]?.length;
  // A hole, where two items had one index, is no vector either.
  if (vectors.length !== count || Array.from(vectors).some((vector) => vector?.length !== length)) {
    throw new EndpointFailure('the endpoint sent vectors that do not fit together');
  }
  return vectors;
}

function vectorOf(embedding: unknown): Float32Array {
  const isVector = Array.isArray(embedding) && embedding.length > 0 && embedding.every(Number.isFinite);
  if (!isVector) throw new EndpointFailure('the endpoint sent something that is no vector');
  return normalise(Float32Array.from(embedding));
}
