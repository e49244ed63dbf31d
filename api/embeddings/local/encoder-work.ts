import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ChunkSize, cutByTokens, type Passage } from '../chunks.ts';
import type { QueryWord } from '../embedder.ts';
import { normalize } from '../normalize.ts';
import type { FromEncoder, ToEncoder } from './messages.ts';
import { type EncodedRow, type Encoder, LOCAL_CHUNK } from './model.ts';
import { LOCAL_DIMENSIONS } from './model-name.ts';
import { queryWords, tokenCodes } from './passage-tokens.ts';
import type { WordCutter } from './word-tokenizer.ts';

/**
 * Passages of a query, half as long as those of a document: another query waits for the passage that is being encoded. Only about the
 * first 450 tokens are embedded, so that a query is ready in time.
 */
const QUERY_CHUNK: ChunkSize = { tokens: 126, shared: 16 };
const QUERY_PASSAGES = 4;
/**
 * Passages of a long text. A vector is the mean of its tokens: with few of them it is about one subject, of which a long text has several.
 * A text that is hardly longer than a passage is about one, and cutting it into short ones loses recall.
 */
const LONG_TEXT_CHUNK: ChunkSize = { tokens: 126, shared: 16 };
const LONG_TEXT_TOKENS = 2 * LOCAL_CHUNK.tokens;

/** Most tokens of a lead: about the two turns of a dialogue before a text. */
const LEAD_TOKENS_MAX = 64;

/** A text that is encoded. The results of its passages are at their places. */
interface Task {
  id: number;
  /** The text, of a query. */
  query: string | undefined;
  passages: readonly Passage[];
  vectors: Float32Array[];
  /** Codes of the tokens of a document's passages. */
  codes: Uint8Array[];
  /** Words of a query's passages. */
  words: QueryWord[][];
  left: number;
}

type Document = Pick<ToEncoder & { type: 'document' }, 'id' | 'text' | 'lead' | 'isContinued'>;

interface Row {
  task: Task;
  index: number;
  /** Tokens of the lead, if any, and of the passage. */
  ids: number[];
  leadTokens: number;
}

/**
 * Schedules the encoder: passages of queries and urgent documents first, the shortest before others, then those of other documents in
 * turn. Reads new messages after each passage.
 */
export class EncoderWork {
  readonly #words: WordCutter;
  readonly #encoder: Encoder;
  readonly #send: (message: FromEncoder) => void;
  readonly #texts: Document[] = [];
  #urgent: Row[] = [];
  #waiting: Row[] = [];
  #running = false;

  constructor(words: WordCutter, encoder: Encoder, send: (message: FromEncoder) => void) {
    this.#words = words;
    this.#encoder = encoder;
    this.#send = send;
  }

  addQuery(id: number, text: string): void {
    this.#urgent.push(...this.#cutQuery(id, text));
    this.#run();
  }

  addDocument({ isUrgent, ...document }: ToEncoder & { type: 'document' }): void {
    if (isUrgent) this.#urgent.push(...this.#cutDocument(document));
    else this.#texts.push(document);
    this.#run();
  }

  /** Cancels a task. It is replied to as well, because the service expects one reply per message. */
  cancel(id: number): void {
    this.#drop(id);
    this.#send({ type: 'failed', id, reason: 'cancelled', isRejected: false });
  }

  #drop(id: number): void {
    const others = ({ task }: Row) => task.id !== id;
    this.#urgent = this.#urgent.filter(others);
    this.#waiting = this.#waiting.filter(others);
    const at = this.#texts.findIndex((text) => text.id === id);
    if (at >= 0) this.#texts.splice(at, 1);
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#urgent.length + this.#waiting.length + this.#texts.length > 0) {
      // Messages are read only here, because encoding blocks the thread.
      await nextTurn();
      const row = this.#nextUrgent() ?? this.#waiting.shift();
      if (row) await this.#encode(row);
      else this.#cutNext();
    }
    this.#running = false;
  }

  /** Takes the shortest row: a short query does not wait for the long ones of others. */
  #nextUrgent(): Row | undefined {
    this.#urgent.sort((one, other) => one.ids.length - other.ids.length);
    return this.#urgent.shift();
  }

  #cutNext(): void {
    const next = this.#texts.shift();
    if (next) this.#waiting.push(...this.#cutDocument(next));
  }

  #cutQuery(id: number, text: string): Row[] {
    const beginning = text.slice(0, QUERY_PASSAGES * 2_000);
    const passages = cutByTokens(this.#words.cut(beginning), beginning.length, QUERY_CHUNK);
    return this.#rowsOf(id, passages.slice(0, QUERY_PASSAGES), beginning);
  }

  #cutDocument({ id, text, lead, isContinued }: Document): Row[] {
    const words = this.#words.cut(text);
    const isLong = isContinued || words.reduce((sum, { ids }) => sum + ids.length, 0) > LONG_TEXT_TOKENS;
    const passages = cutByTokens(words, text.length, isLong ? LONG_TEXT_CHUNK : LOCAL_CHUNK);
    const rows = this.#rowsOf(id, isContinued && passages.length > 1 ? passages.slice(0, -1) : passages);
    const [first] = rows;
    if (first && lead !== '') this.#putBehind(lead, first);
    return rows;
  }

  /** Puts the end of a lead before the tokens of a row, as far as both fit a passage. */
  #putBehind(lead: string, row: Row): void {
    const tokens = Math.min(LEAD_TOKENS_MAX, LOCAL_CHUNK.tokens - row.ids.length);
    if (tokens <= 0) return;
    const ids = this.#words
      .cut(lead)
      .flatMap((word) => word.ids)
      .slice(-tokens);
    row.ids = [...ids, ...row.ids];
    row.leadTokens = ids.length;
  }

  /** Returns the rows of the passages of a text. A text without passages is finished at once. */
  #rowsOf(id: number, passages: readonly Passage[], query?: string): Row[] {
    const task: Task = { id, query, passages, vectors: [], codes: [], words: [], left: passages.length };
    if (task.left === 0) this.#finish(task);
    return passages.map(({ ids }, index) => ({ task, index, ids, leadTokens: 0 }));
  }

  async #encode(row: Row): Promise<void> {
    const { task, index } = row;
    try {
      keep(task, index, await this.#encoder.encode(row));
      if (--task.left === 0) this.#finish(task);
      else this.#send({ type: 'progress' });
    } catch (error) {
      this.#drop(task.id);
      this.#send({ type: 'failed', id: task.id, reason: String(error), isRejected: true });
    }
  }

  #finish({ id, query, passages, vectors, codes, words }: Task): void {
    if (query === undefined) {
      const ranges = passages.map(({ start, end }) => ({ start, end }));
      this.#send({ type: 'done', id, ranges, vectors: joined(vectors), tokens: codes });
    } else if (vectors.length === 0) {
      this.#send({ type: 'failed', id, reason: 'the query has no words', isRejected: false });
    } else {
      this.#send({ type: 'query done', id, query: { vector: normalize(sum(vectors)), words: words.flat() } });
    }
  }
}

/** Keeps what a task needs of an encoded passage. */
function keep({ query, passages, vectors, codes, words }: Task, place: number, { vector, states }: EncodedRow): void {
  const passage = passages[place] as Passage;
  vectors[place] = vector;
  if (query === undefined) codes[place] = tokenCodes(passage, states);
  else words[place] = queryWords(query, passage, passages[place - 1]?.end ?? 0, states);
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(vectors.length * LOCAL_DIMENSIONS);
  for (const [index, vector] of vectors.entries()) all.set(vector, index * LOCAL_DIMENSIONS);
  return all;
}

function sum(vectors: readonly Float32Array[]): Float32Array {
  const total = new Float32Array(LOCAL_DIMENSIONS);
  for (const vector of vectors) for (let k = 0; k < total.length; k++) total[k] = (total[k] ?? 0) + (vector[k] ?? 0);
  return total;
}
