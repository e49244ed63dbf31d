import { createHash } from 'node:crypto';
import { retry } from '../../../db/client/retry.ts';
import { cutByCharacters, type Range } from '../chunks.ts';
import {
  type Chunk,
  type Document,
  type DocumentOptions,
  type EmbeddedQuery,
  type Embedder,
  type EmbedderState,
  EmbedderUnavailable,
  EmbeddingFailed,
} from '../embedder.ts';
import { normalize } from '../normalize.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { EndpointFailure, requestVectors } from './request.ts';
import { Semaphore } from './semaphore.ts';

/** Texts of one kind as a model expects them. */
export interface InputOptions {
  /** Put before each text, such as `query: `. */
  prefix?: string | undefined;
  /** Further members of the request's body, such as `{ input_type: 'query' }`. */
  parameters?: Readonly<Record<string, unknown>> | undefined;
}

export interface EndpointOptions {
  /** With or without the trailing `/embeddings`: `https://api.openai.com/v1`. */
  url: string;
  key?: string;
  model: string;
  /** Vector length. Longer vectors are shortened to it, which only models for it allow (Matryoshka). Default: what the endpoint returns. */
  dimensions?: number | undefined;
  queries?: InputOptions | undefined;
  passages?: InputOptions | undefined;
  log?: (message: string) => void;
  /** Time after which a search continues without the query's vector. Default 2,000. */
  queryMs?: number;
  /** Timeout of one request with documents. Default 30,000. */
  timeoutMs?: number;
  /** Pause before the first retry; each further pause is twice as long, with jitter. Default 500. */
  pauseMs?: number;
}

/** About 500 tokens of English: fits every common model, and usually covers one subject. */
const PASSAGE_CHARACTERS = 2_000;
/** The same in scripts with about one character per token (Greek, Russian, Arabic, Chinese, …). */
const DENSE_PASSAGE_CHARACTERS = 660;
const SHARED_CHARACTERS = 200;
/** Passages per request. Parsing this many vectors of 3,072 numbers blocks the event loop for about 10 ms. */
const BATCH_PASSAGES = 32;
const CONCURRENT_REQUESTS_MAX = 2;
const ATTEMPTS_MAX = 4;
/** Attempts of a request that takes too long: meanwhile no other document is embedded. */
const TIMEOUTS_MAX = 2;
/** Longer pauses than this are left to the queue's own retry. */
const PAUSE_MAX_MS = 20_000;

/** Gets vectors from an endpoint with OpenAI's `/embeddings` API. The texts are sent to that endpoint. */
export class EndpointEmbedder implements Embedder {
  readonly model: string;
  readonly hasTokenVectors = false;
  readonly reads = undefined;
  readonly #options: EndpointOptions;
  readonly #url: string;
  readonly #breaker = new CircuitBreaker();
  readonly #semaphore = new Semaphore(CONCURRENT_REQUESTS_MAX);
  readonly #open = new Set<AbortController>();
  #isClosed = false;
  /** Whether the endpoint rejects the parameter `dimensions`; undefined before its first response. */
  #rejectsDimensions: boolean | undefined;
  #dimensions: number;

  /** @throws Error for a URL that is neither http nor https */
  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#url = embeddingsUrl(options.url);
    this.#dimensions = options.dimensions ?? 0;
    this.model = nameOf(options);
  }

  get dimensions(): number {
    return this.#dimensions;
  }

  get state(): EmbedderState {
    if (this.#isClosed) return 'disabled';
    return this.#breaker.isOpen ? 'degraded' : 'ready';
  }

  get reason(): string | undefined {
    return this.#isClosed ? 'closed' : this.#breaker.reason;
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    if (text.trim() === '') throw new EmbedderUnavailable('the query has no words');
    const { queryMs = 2_000, queries = {} } = this.#options;
    return this.#stoppable(
      async (stop) => {
        const [vector] = await this.#request([text.slice(0, passageCharacters(text))], queries, stop.signal);
        return { vector: vector as Float32Array, words: [] };
      },
      { signal, deadlineMs: queryMs },
    );
  }

  async embedDocuments(
    documents: readonly Document[],
    { urgent = false, once = urgent, signal }: DocumentOptions = {},
  ): Promise<Chunk[][]> {
    const texts = documents.map((document) => (typeof document === 'string' ? document : document.text));
    const ranges = documents.map(rangesOf);
    const passages = ranges.flatMap((list, index) =>
      list.map(({ start, end }) => texts[index]?.slice(start, end) ?? ''),
    );
    const batches: string[][] = [];
    for (let at = 0; at < passages.length; at += BATCH_PASSAGES) batches.push(passages.slice(at, at + BATCH_PASSAGES));
    const { passages: options = {} } = this.#options;
    // The queue repeats what a search could not embed at once.
    const send = (batch: string[], stop: AbortSignal) => this.#request(batch, options, stop, once ? 1 : ATTEMPTS_MAX);
    const results = await this.#stoppable(
      ({ signal: stop }) =>
        Promise.all(
          batches.map((batch) => (urgent ? send(batch, stop) : this.#semaphore.run(() => send(batch, stop)))),
        ),
      { signal },
    );
    const vectors = results.flat().values();
    const toChunk = (range: Range) => ({
      ...range,
      vector: vectors.next().value as Float32Array,
      tokens: new Uint8Array(),
    });
    return ranges.map((list) => list.map(toChunk));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#open) stop.abort(new EmbedderUnavailable('closed'));
  }

  /** Runs `work` until it ends or the caller, the deadline or close() aborts it; then aborts everything that it started. */
  async #stoppable<T>(
    work: (stop: AbortController) => Promise<T>,
    { signal, deadlineMs }: { signal?: AbortSignal | undefined; deadlineMs?: number } = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new EmbedderUnavailable('closed');
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const deadline = deadlineMs && setTimeout(() => stop.abort(this.#timedOut(deadlineMs)), deadlineMs);
    this.#open.add(stop);
    try {
      return await work(stop);
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abort);
      this.#open.delete(stop);
      stop.abort();
    }
  }

  #timedOut(ms: number): EmbedderUnavailable {
    this.#breaker.failed(`the endpoint took more than ${ms} ms`);
    return new EmbedderUnavailable(this.#breaker.reason);
  }

  #request(
    texts: readonly string[],
    options: InputOptions,
    signal: AbortSignal,
    attempts = ATTEMPTS_MAX,
  ): Promise<Float32Array[]> {
    let isAdmitted = false;
    return retry(
      async () => {
        isAdmitted = false;
        signal.throwIfAborted();
        if (!this.#breaker.admits()) throw new EmbedderUnavailable(this.#breaker.reason);
        isAdmitted = true;
        const vectors = await this.#try(texts, options, signal);
        this.#breaker.succeeded();
        return vectors;
      },
      (error, attempt) => (isAdmitted ? this.#pauseAfter(error, attempt, attempts) : undefined),
      signal,
    );
  }

  async #try(
    texts: readonly string[],
    { prefix = '', parameters }: InputOptions,
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const { key, model, dimensions = 0, timeoutMs = 30_000 } = this.#options;
    const inputs = texts.map((text) => prefix + text);
    const request = {
      url: this.#url,
      model,
      inputs,
      signal,
      timeoutMs,
      ...(key && { key }),
      ...(parameters && { parameters }),
    };
    const returned = await this.#negotiate(request, dimensions);
    const isShortened = dimensions > 0 && (returned[0]?.length ?? 0) > dimensions;
    const vectors = isShortened ? returned.map((vector) => normalize(vector.slice(0, dimensions))) : returned;
    const found = vectors[0]?.length ?? 0;
    this.#dimensions ||= found;
    if (found === this.#dimensions) return vectors;
    // Vectors of another length cannot be compared with the stored ones.
    throw new EndpointFailure(`the endpoint returned vectors of ${found} numbers instead of ${this.#dimensions}`);
  }

  /** Asks for vectors of a length, or, where the endpoint rejects that, for those that it makes. */
  async #negotiate(request: Parameters<typeof requestVectors>[0], dimensions: number): Promise<Float32Array[]> {
    if (dimensions === 0 || this.#rejectsDimensions) return requestVectors(request);
    try {
      const vectors = await requestVectors({ ...request, dimensions });
      this.#rejectsDimensions = false;
      return vectors;
    } catch (error) {
      const mayBeReason = this.#rejectsDimensions === undefined;
      if (!mayBeReason || !(error instanceof EndpointFailure && error.isAboutInput)) throw error;
      const vectors = await requestVectors(request);
      this.#rejectsDimensions = true;
      return vectors;
    }
  }

  /** Reports a failure to the circuit breaker. Returns the pause before the next attempt, or throws the error for the caller. */
  #pauseAfter(error: unknown, attempt: number, attempts: number): number {
    if (!(error instanceof EndpointFailure)) {
      this.#breaker.gaveUp();
      throw error;
    }
    if (error.isAboutInput) {
      this.#breaker.gaveUp();
      throw new EmbeddingFailed(error.message, 'rejected', { cause: error });
    }
    const wasOpen = this.#breaker.isOpen;
    this.#breaker.failed(error.message, error.pauseMs);
    if (this.#breaker.isOpen && !wasOpen)
      this.#options.log?.(`Embedding requests fail and are paused: ${error.message}`);
    const pauseMs = Math.max(error.pauseMs, this.#jitter(attempt));
    const isLast = attempt >= (error.isTimeout ? Math.min(attempts, TIMEOUTS_MAX) : attempts);
    if (!error.isTransient || isLast || this.#breaker.isOpen || pauseMs > PAUSE_MAX_MS) {
      throw error.isAboutLoad
        ? new EmbedderUnavailable(error.message, { cause: error })
        : new EmbeddingFailed(error.message, 'encoder_stopped', { cause: error });
    }
    return pauseMs;
  }

  /** Returns half to all of the pause, so that many nodes do not retry at the same time. */
  #jitter(attempt: number): number {
    const { pauseMs = 500 } = this.#options;
    return pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  }
}

/** Names the vectors of an endpoint: by its model, their length, and how passages are sent, which changes them too. */
function nameOf({ model, dimensions, passages: { prefix = '', parameters = {} } = {} }: EndpointOptions): string {
  const isPlain = prefix === '' && Object.keys(parameters).length === 0;
  const hash = createHash('sha256').update(JSON.stringify([prefix, parameters]));
  return `openai:${model}${dimensions ? `:${dimensions}` : ''}@1${isPlain ? '' : `+${hash.digest('hex').slice(0, 8)}`}`;
}

function embeddingsUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${text} is not an http(s) URL`);
  if (!url.pathname.endsWith('/embeddings')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/embeddings`;
  return url.href;
}

function rangesOf(document: Document): Range[] {
  const { text, isContinued } = typeof document === 'string' ? { text: document, isContinued: false } : document;
  const ranges = cutByCharacters(text, passageCharacters(text), SHARED_CHARACTERS);
  return isContinued && ranges.length > 1 ? ranges.slice(0, -1) : ranges;
}

function passageCharacters(text: string): number {
  const others = text.match(/[\u0250-\uffff]/g)?.length ?? 0;
  return others * 3 > text.length ? DENSE_PASSAGE_CHARACTERS : PASSAGE_CHARACTERS;
}
