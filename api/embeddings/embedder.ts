/** A passage of a text and its meaning. */
export interface Chunk {
  /** Where the passage begins: an offset into the text as JavaScript counts (UTF-16 code units). */
  start: number;
  /** Where it ends, exclusive: `text.slice(start, end)` is the passage. */
  end: number;
  /** L2-normalised, so that the dot product of two vectors is their similarity. */
  vector: Float32Array;
}

/**
 * - `off`: no vectors, and none to be expected until the next start (`reason` says why);
 * - `loading`: coming up for the first time;
 * - `ready`: answers;
 * - `degraded`: has answered before and is coming back (a crash, an endpoint that fails).
 */
export type EmbedderState = 'off' | 'loading' | 'ready' | 'degraded';

/** Text to vectors. What search and the indexing queue know of a model. */
export interface Embedder {
  /** Names model and generation, e.g. `local:all-MiniLM-L6-v2-int8@1`: vectors of different names are never compared. */
  readonly model: string;
  /** Length of every vector. Of an endpoint without a configured length, 0 before the first answer. */
  readonly dimensions: number;
  readonly state: EmbedderState;
  /** Why it is not `ready`, in words for an operator; undefined when it is. */
  readonly reason: string | undefined;
  /**
   * The vector of a question. Goes before all waiting documents.
   * Throws EmbedderUnavailable when there is none in time (a search is then lexical), or the signal's reason.
   */
  embedQuery(text: string, signal?: AbortSignal): Promise<Float32Array>;
  /**
   * The passages of each text, in order; together they cover it, with some overlap. A text without words has none.
   * Waits while the model is loading or coming back. Throws EmbedderUnavailable when it is off, or dies on the way:
   * then none of these texts is done, and the same call may be made again.
   */
  embedDocuments(texts: readonly string[]): Promise<Chunk[][]>;
  /** Rejects what is under way and ends whatever runs. May be called more than once. */
  close(): Promise<void>;
}

/** There is no vector now. Not a fault of the caller: a search goes on without, a queue tries again later. */
export class EmbedderUnavailable extends Error {
  override name = 'EmbedderUnavailable';
}
