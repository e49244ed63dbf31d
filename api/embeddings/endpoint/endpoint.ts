import { setTimeout as delay } from 'node:timers/promises';
import { cutByCharacters } from '../chunks.ts';
import { type Chunk, type Embedder, type EmbedderState, EmbedderUnavailable } from '../embedder.ts';
import { Breaker } from './circuit-breaker.ts';
import { EndpointFailure, requestVectors } from './request.ts';
import { Lanes } from './semaphore.ts';

export interface EndpointOptions {
  /** With or without the trailing `/embeddings`: `https://api.openai.com/v1`. */
  url: string;
  key?: string;
  model: string;
  dimensions?: number;
  log?: (message: string) => void;
  /** How long a question may take before its search goes on without it. Default 2,000. */
  queryMs?: number;
  /** For one request with documents. Default 30,000. */
  timeoutMs?: number;
  /** The first pause before another try; each is twice the one before, with jitter. Default 500. */
  pauseMs?: number;
}

/** Of English some 500 tokens: fits every common model, and is still one subject. */
const PASSAGE_CHARACTERS = 2_000;
/** The same in Greek, Russian, Arabic, Chinese …: hardly more than one character a token. */
const DENSE_PASSAGE_CHARACTERS = 660;
const SHARED_CHARACTERS = 200;
/** An answer with so many vectors of 3,072 numbers takes some 10 ms to read: more would be felt by the service. */
const BATCH_PASSAGES = 32;
const LANES = 2;
const TRIES = 4;
/** Who asks us to wait longer gets no more of our waiting: the queue comes back. */
const LONGEST_PAUSE_MS = 20_000;

/** Vectors from any endpoint that speaks OpenAI's `/embeddings`. Sends it the texts: that is the operator's choice. */
export class EndpointEmbedder implements Embedder {
  readonly model: string;
  readonly #options: EndpointOptions;
  readonly #url: string;
  readonly #breaker = new Breaker();
  readonly #lanes = new Lanes(LANES);
  readonly #open = new Set<AbortController>();
  #isClosed = false;
  #dimensions: number;

  /** Throws when the URL is none of http or https. */
  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#url = embeddingsUrl(options.url);
    this.#dimensions = options.dimensions ?? 0;
    this.model = `openai:${options.model}${options.dimensions ? `:${options.dimensions}` : ''}@1`;
  }

  get dimensions(): number {
    return this.#dimensions;
  }

  get state(): EmbedderState {
    if (this.#isClosed) return 'off';
    return this.#breaker.isOpen ? 'degraded' : 'ready';
  }

  get reason(): string | undefined {
    return this.#isClosed ? 'closed' : this.#breaker.reason;
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    if (text.trim() === '') throw new EmbedderUnavailable('the question has no words');
    const { queryMs = 2_000 } = this.#options;
    return this.#stoppable(
      async (stop) => {
        const [vector] = await this.#request([text.slice(0, PASSAGE_CHARACTERS)], stop.signal);
        return vector as Float32Array;
      },
      { signal, deadlineMs: queryMs },
    );
  }

  async embedDocuments(texts: readonly string[]): Promise<Chunk[][]> {
    const ranges = texts.map((text) => cutByCharacters(text, passageCharacters(text), SHARED_CHARACTERS));
    const passages = ranges.flatMap((list, index) =>
      list.map(({ start, end }) => texts[index]?.slice(start, end) ?? ''),
    );
    const batches: string[][] = [];
    for (let at = 0; at < passages.length; at += BATCH_PASSAGES) batches.push(passages.slice(at, at + BATCH_PASSAGES));
    const results = await this.#stoppable(({ signal }) =>
      Promise.all(batches.map((batch) => this.#lanes.run(() => this.#request(batch, signal)))),
    );
    const vectors = results.flat().values();
    return ranges.map((list) => list.map((range) => ({ ...range, vector: vectors.next().value as Float32Array })));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const stop of this.#open) stop.abort(new EmbedderUnavailable('closed'));
  }

  /** Runs what the caller, a deadline and close() can stop; when it ends, whatever it began ends too. */
  async #stoppable<T>(
    work: (stop: AbortController) => Promise<T>,
    { signal, deadlineMs }: { signal?: AbortSignal | undefined; deadlineMs?: number } = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new EmbedderUnavailable('closed');
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const deadline = deadlineMs && setTimeout(() => stop.abort(this.#tooLate(deadlineMs)), deadlineMs);
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

  #tooLate(ms: number): EmbedderUnavailable {
    this.#breaker.failed(`the endpoint took more than ${ms} ms`);
    return new EmbedderUnavailable(this.#breaker.reason);
  }

  async #request(inputs: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      if (!this.#breaker.admits()) throw new EmbedderUnavailable(this.#breaker.reason);
      try {
        const vectors = await this.#try(inputs, signal);
        this.#breaker.succeeded();
        return vectors;
      } catch (error) {
        await this.#recover(error, attempt, signal);
      }
    }
  }

  async #try(inputs: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const { key, model, dimensions, timeoutMs = 30_000 } = this.#options;
    const request = { url: this.#url, model, inputs, signal, timeoutMs };
    const vectors = await requestVectors({ ...request, ...(key && { key }), ...(dimensions && { dimensions }) });
    const found = vectors[0]?.length ?? 0;
    this.#dimensions ||= found;
    if (found === this.#dimensions) return vectors;
    // They could not be compared with those that are stored.
    throw new EndpointFailure(`the endpoint sent vectors of ${found} numbers instead of ${this.#dimensions}`);
  }

  /** Waits before another try, or throws what the caller is to hear. */
  async #recover(error: unknown, attempt: number, signal: AbortSignal): Promise<void> {
    if (!(error instanceof EndpointFailure) || error.isAboutInput) {
      this.#breaker.gaveUp();
      throw error instanceof EndpointFailure ? new EmbedderUnavailable(error.message, { cause: error }) : error;
    }
    const wasOpen = this.#breaker.isOpen;
    this.#breaker.failed(error.message, error.pauseMs);
    if (this.#breaker.isOpen && !wasOpen) this.#options.log?.(`Embeddings fail and are paused: ${error.message}`);
    const pauseMs = Math.max(error.pauseMs, this.#jitter(attempt));
    if (!error.isPassing || attempt === TRIES || this.#breaker.isOpen || pauseMs > LONGEST_PAUSE_MS) {
      throw new EmbedderUnavailable(error.message, { cause: error });
    }
    await delay(pauseMs, undefined, { signal });
  }

  /** Between half and all of the pause, so that many nodes do not come back as one. */
  #jitter(attempt: number): number {
    const { pauseMs = 500 } = this.#options;
    return pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  }
}

function embeddingsUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${text} is not an http(s) address`);
  if (!url.pathname.endsWith('/embeddings')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/embeddings`;
  return url.href;
}

function passageCharacters(text: string): number {
  const others = text.match(/[\u0250-\uffff]/g)?.length ?? 0;
  return others * 3 > text.length ? DENSE_PASSAGE_CHARACTERS : PASSAGE_CHARACTERS;
}
