import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Chunk, type Embedder, EmbedderUnavailable } from '../embedder.ts';
import { EncoderChild } from './encoder-child.ts';
import type { FromEncoder } from './messages.ts';
import { LOCAL_DIMENSIONS, LOCAL_MODEL } from './model-name.ts';

export interface LocalOptions {
  log?: (message: string) => void;
  /** How long a question may take before its search goes on without it. Default 2,000. */
  queryMs?: number;
  /** Default: those beside this file. */
  modelFolder?: string;
  /** Default: half of the cores, at most four. */
  threads?: number;
  /** Of the encoder's Node; for tests. */
  execArgv?: readonly string[];
}

/** Documents that the encoder process has at a time; the others wait here, where a crash does not reach them. */
const FLYING_TEXTS = 64;
const FLYING_CHARACTERS = 400_000;

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
}

interface Query {
  resolve(vector: Float32Array): void;
  reject(error: unknown): void;
}

type Done = FromEncoder & { type: 'done' };

/** The sentence encoder that comes with the service, in a process of its own. Starts loading at once. */
export class LocalEmbedder implements Embedder {
  readonly model = LOCAL_MODEL;
  readonly dimensions = LOCAL_DIMENSIONS;
  readonly #child: EncoderChild;
  readonly #queryMs: number;
  readonly #queries = new Map<number, Query>();
  readonly #flying = new Map<number, Item>();
  #waiting: Item[] = [];
  #flyingCharacters = 0;
  #lastId = 0;

  constructor({ log, queryMs = 2_000, modelFolder, threads, execArgv }: LocalOptions = {}) {
    this.#queryMs = queryMs;
    this.#child = new EncoderChild(
      {
        modelFolder: modelFolder ?? fileURLToPath(new URL('./model/', import.meta.url)),
        threads: threads ?? threadsFor(availableParallelism()),
        ...(execArgv && { execArgv }),
        ...(log && { log }),
      },
      {
        ready: () => this.#feed(),
        message: (message) => this.#receive(message),
        lost: (reason) => this.#lose(reason),
      },
    );
  }

  get state() {
    return this.#child.state;
  }

  get reason() {
    return this.#child.reason;
  }

  /** Of the process that encodes, while there is one. */
  get pid() {
    return this.#child.pid;
  }

  async embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    if (this.state !== 'ready') throw new EmbedderUnavailable(this.reason);
    const id = ++this.#lastId;
    const deadline = AbortSignal.timeout(this.#queryMs);
    const ends = AbortSignal.any(signal ? [signal, deadline] : [deadline]);
    const tooLate = new EmbedderUnavailable(`the encoder took more than ${this.#queryMs} ms`);
    const stop = () => this.#dropQuery(id, deadline.aborted ? tooLate : signal?.reason);
    ends.addEventListener('abort', stop, { once: true });
    try {
      return await this.#ask(id, text);
    } finally {
      ends.removeEventListener('abort', stop);
      this.#queries.delete(id);
      this.#hold();
    }
  }

  #ask(id: number, text: string): Promise<Float32Array> {
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

  async embedDocuments(texts: readonly string[]): Promise<Chunk[][]> {
    if (this.state === 'off') throw new EmbedderUnavailable(this.reason);
    if (texts.length === 0) return [];
    return new Promise((resolve, reject) => {
      const call: Call = { chunks: [], left: texts.length, resolve, reject };
      for (const [index, text] of texts.entries()) this.#waiting.push({ call, index, text });
      this.#hold();
      this.#feed();
    });
  }

  async close(): Promise<void> {
    await this.#child.close();
  }

  /** Hands documents over, as many as the process may have. */
  #feed(): void {
    while (this.state === 'ready' && this.#flying.size < FLYING_TEXTS) {
      const next = this.#waiting[0];
      if (!next || (this.#flying.size > 0 && this.#flyingCharacters + next.text.length > FLYING_CHARACTERS)) return;
      this.#waiting.shift();
      const id = ++this.#lastId;
      this.#flying.set(id, next);
      this.#flyingCharacters += next.text.length;
      this.#child.send({ type: 'document', id, text: next.text });
    }
  }

  #receive(message: FromEncoder): void {
    if (message.type !== 'done' && message.type !== 'failed') return;
    const query = this.#queries.get(message.id);
    if (query && message.type === 'done') query.resolve(message.vectors);
    else if (query && message.type === 'failed') query.reject(new EmbedderUnavailable(message.reason));
    const item = this.#land(message.id);
    if (item && message.type === 'done') this.#finish(item, message);
    else if (item && message.type === 'failed') this.#fail(item.call, message.reason);
    this.#feed();
    this.#hold();
  }

  #land(id: number): Item | undefined {
    const item = this.#flying.get(id);
    if (!item) return undefined;
    this.#flying.delete(id);
    this.#flyingCharacters -= item.text.length;
    return item;
  }

  #finish({ call, index }: Item, { ranges, vectors }: Done): void {
    call.chunks[index] = ranges.map((range, at) => ({
      ...range,
      vector: vectors.slice(at * LOCAL_DIMENSIONS, (at + 1) * LOCAL_DIMENSIONS),
    }));
    if (--call.left === 0) call.resolve(call.chunks);
  }

  /** A call is done as a whole or not at all: what is left of it would be work for nobody. */
  #fail(call: Call, reason: string): void {
    call.reject(new EmbedderUnavailable(reason));
    this.#waiting = this.#waiting.filter((item) => item.call !== call);
    for (const [id, item] of this.#flying) {
      if (item.call !== call) continue;
      this.#land(id);
      this.#child.send({ type: 'cancel', id });
    }
  }

  #lose(reason: string): void {
    for (const { reject } of this.#queries.values()) reject(new EmbedderUnavailable(reason));
    const waiting = this.state === 'off' ? this.#waiting : [];
    const calls = new Set([...this.#flying.values(), ...waiting].map(({ call }) => call));
    for (const call of calls) this.#fail(call, reason);
    this.#hold();
  }

  #hold(): void {
    this.#child.hold(this.#queries.size + this.#flying.size + this.#waiting.length > 0);
  }
}

/**
 * The other half is for the service and its database. A question of 13 tokens takes 5.5 ms with one thread and 3.9 with
 * two on an idle machine; on a busy one two are no faster. Beyond four there is little to gain.
 */
function threadsFor(cores: number): number {
  return Math.min(4, Math.max(1, Math.floor(cores / 2)));
}
