import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  type Chunk,
  type Document,
  type DocumentOptions,
  type DocumentPart,
  type EmbeddedQuery,
  type Embedder,
  EmbedderUnavailable,
  EmbeddingFailed,
} from '../embedder.ts';
import { ENGLISH } from '../readable-texts.ts';
import { EncoderChild } from './encoder-child.ts';
import type { FromEncoder } from './messages.ts';
import { LOCAL_DIMENSIONS, LOCAL_MODEL } from './model-name.ts';

export interface LocalOptions {
  log?: (message: string) => void;
  /** Called when the encoder process is started again. */
  onRestart?: () => void;
  /** Time after which a search continues without the query's vector. Default 2,000. */
  queryMs?: number;
  /** Folder of the model's files. Default: `model/` next to this file. */
  modelFolder?: string;
  /** Threads of the encoder. Default: half of the cores, at most four. */
  threads?: number;
  /** Node options of the encoder process; for tests. */
  execArgv?: readonly string[];
  /** Time after which a silent encoder process is killed while it works. Default 20,000. */
  silenceMs?: number;
}

/** Documents sent to the encoder process at a time. The others wait here and survive a crash of the process. */
const IN_FLIGHT_TEXTS = 64;
const IN_FLIGHT_CHARACTERS = 400_000;

interface Call {
  chunks: Chunk[][];
  left: number;
  resolve(chunks: Chunk[][]): void;
  reject(error: Error): void;
}

interface Item {
  call: Call;
  index: number;
  text: string;
  lead: string;
  isUrgent: boolean;
  isContinued: boolean;
}

interface Query {
  resolve(query: EmbeddedQuery): void;
  reject(error: unknown): void;
}

type Done = FromEncoder & { type: 'done' };

/** The sentence encoder in the repository, in a child process. Starts loading at once. */
export class LocalEmbedder implements Embedder {
  readonly model = LOCAL_MODEL;
  readonly dimensions = LOCAL_DIMENSIONS;
  readonly hasTokenVectors = true;
  readonly reads = ENGLISH;
  readonly #child: EncoderChild;
  readonly #queryMs: number;
  readonly #queries = new Map<number, Query>();
  readonly #inFlight = new Map<number, Item>();
  #waiting: Item[] = [];
  #inFlightCharacters = 0;
  #lastId = 0;

  constructor({ log, onRestart, queryMs = 2_000, modelFolder, threads, execArgv, silenceMs }: LocalOptions = {}) {
    this.#queryMs = queryMs;
    this.#child = new EncoderChild(
      {
        modelFolder: modelFolder ?? fileURLToPath(new URL('./model/', import.meta.url)),
        threads: threads ?? threadsFor(availableParallelism()),
        ...(execArgv && { execArgv }),
        ...(silenceMs && { silenceMs }),
        ...(log && { log }),
        ...(onRestart && { onRestart }),
      },
      {
        ready: () => this.#sendWaiting(),
        message: (message) => this.#receive(message),
        lost: (reason) => this.#handleLost(reason),
      },
    );
  }

  get state() {
    return this.#child.state;
  }

  get reason() {
    return this.#child.reason;
  }

  /** Process id of the encoder, while it runs. */
  get pid() {
    return this.#child.pid;
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    signal?.throwIfAborted();
    if (this.state !== 'ready') throw new EmbedderUnavailable(this.reason);
    const id = ++this.#lastId;
    const deadline = AbortSignal.timeout(this.#queryMs);
    const ends = AbortSignal.any(signal ? [signal, deadline] : [deadline]);
    const timedOut = new EmbedderUnavailable(`the encoder took more than ${this.#queryMs} ms`);
    const stop = () => this.#dropQuery(id, deadline.aborted ? timedOut : signal?.reason);
    ends.addEventListener('abort', stop, { once: true });
    try {
      return await this.#sendQuery(id, text);
    } finally {
      ends.removeEventListener('abort', stop);
      this.#queries.delete(id);
      this.#hold();
    }
  }

  #sendQuery(id: number, text: string): Promise<EmbeddedQuery> {
    return new Promise((resolve, reject) => {
      this.#queries.set(id, { resolve, reject });
      this.#hold();
      this.#child.send({ type: 'query', id, text });
    });
  }

  #dropQuery(id: number, why: unknown): void {
    this.#queries.get(id)?.reject(why);
    this.#child.send({ type: 'cancel', id });
  }

  async embedDocuments(
    documents: readonly Document[],
    { urgent = false, signal }: DocumentOptions = {},
  ): Promise<Chunk[][]> {
    signal?.throwIfAborted();
    if (this.state === 'disabled') throw new EmbedderUnavailable(this.reason);
    if (documents.length === 0) return [];
    return new Promise((resolve, reject) => {
      const stop = () => this.#fail(call, signal?.reason);
      const ended = () => signal?.removeEventListener('abort', stop);
      const call: Call = {
        chunks: [],
        left: documents.length,
        resolve: (chunks) => {
          ended();
          resolve(chunks);
        },
        reject: (error) => {
          ended();
          reject(error);
        },
      };
      signal?.addEventListener('abort', stop, { once: true });
      const items = documents.map((document, index) => ({ ...partOf(document), call, index, isUrgent: urgent }));
      this.#waiting = urgent ? [...items, ...this.#waiting] : [...this.#waiting, ...items];
      this.#hold();
      this.#sendWaiting();
    });
  }

  async close(): Promise<void> {
    await this.#child.close();
  }

  /** Sends waiting documents: urgent ones at once, others up to the limits of documents in flight. */
  #sendWaiting(): void {
    while (this.state === 'ready') {
      const next = this.#waiting[0];
      if (!next || (!next.isUrgent && !this.#hasCapacity(next.text))) return;
      this.#waiting.shift();
      const id = ++this.#lastId;
      this.#inFlight.set(id, next);
      this.#inFlightCharacters += next.text.length;
      const { text, lead, isUrgent, isContinued } = next;
      this.#child.send({ type: 'document', id, text, lead, isUrgent, isContinued });
    }
  }

  #hasCapacity(text: string): boolean {
    if (this.#inFlight.size === 0) return true;
    return this.#inFlight.size < IN_FLIGHT_TEXTS && this.#inFlightCharacters + text.length <= IN_FLIGHT_CHARACTERS;
  }

  #receive(message: FromEncoder): void {
    if (!('id' in message)) return;
    const query = this.#queries.get(message.id);
    if (query && message.type === 'query done') query.resolve(message.query);
    else if (query && message.type === 'failed') query.reject(new EmbedderUnavailable(message.reason));
    const item = this.#removeInFlight(message.id);
    if (item && message.type === 'done') this.#finish(item, message);
    else if (item && message.type === 'failed') this.#fail(item.call, failureOf(message));
    this.#sendWaiting();
    this.#hold();
  }

  #removeInFlight(id: number): Item | undefined {
    const item = this.#inFlight.get(id);
    if (!item) return undefined;
    this.#inFlight.delete(id);
    this.#inFlightCharacters -= item.text.length;
    return item;
  }

  #finish({ call, index }: Item, { ranges, vectors, tokens }: Done): void {
    call.chunks[index] = ranges.map((range, at) => ({
      ...range,
      vector: vectors.slice(at * LOCAL_DIMENSIONS, (at + 1) * LOCAL_DIMENSIONS),
      tokens: tokens[at] as Uint8Array,
    }));
    if (--call.left === 0) call.resolve(call.chunks);
  }

  /** Rejects a call as a whole and cancels what is left of it. */
  #fail(call: Call, error: Error): void {
    call.reject(error);
    this.#waiting = this.#waiting.filter((item) => item.call !== call);
    for (const [id, item] of this.#inFlight) {
      if (item.call !== call) continue;
      this.#removeInFlight(id);
      this.#child.send({ type: 'cancel', id });
    }
  }

  #handleLost(reason: string): void {
    for (const { reject } of this.#queries.values()) reject(new EmbedderUnavailable(reason));
    const isOff = this.state === 'disabled';
    const calls = new Set([...this.#inFlight.values(), ...(isOff ? this.#waiting : [])].map(({ call }) => call));
    const error = isOff ? new EmbedderUnavailable(reason) : new EmbeddingFailed(reason, 'encoder_stopped');
    for (const call of calls) this.#fail(call, error);
    this.#hold();
  }

  #hold(): void {
    this.#child.hold(this.#queries.size + this.#inFlight.size + this.#waiting.length > 0);
  }
}

function partOf(document: Document) {
  const {
    text,
    lead,
    isContinued = false,
  }: DocumentPart = typeof document === 'string' ? { text: document } : document;
  return { text, lead: lead ?? '', isContinued };
}

function failureOf({ reason, isRejected }: FromEncoder & { type: 'failed' }): Error {
  return isRejected ? new EmbeddingFailed(reason, 'rejected') : new EmbedderUnavailable(reason);
}

/**
 * Leaves half of the cores to the service and its database. With the published graph a query of 13 tokens took 5.5 ms with one
 * thread and 3.9 ms with two on an idle machine; on a busy one, two were no faster. More than four gain little.
 */
function threadsFor(cores: number): number {
  return Math.min(4, Math.max(1, Math.floor(cores / 2)));
}
