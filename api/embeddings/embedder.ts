import { traced } from '../../db/client/trace.ts';
import type { QueuedMemory } from '../../db/queries/search/embedding-queue.ts';
import { withoutEncodedData } from './encoded-data.ts';
import type { ReadableTexts } from './readable-texts.ts';

/** A passage of a text and its vector. */
export interface Chunk {
  /** Start offset of the passage, in UTF-16 code units. */
  start: number;
  /** End offset, exclusive: `text.slice(start, end)` is the passage. */
  end: number;
  /** L2-normalized: the dot product of two vectors is their cosine similarity. */
  vector: Float32Array;
  /** Codes of the vectors of its tokens, one after the other, each of `TOKEN_CODE_BYTES`; empty where the model gives none. */
  tokens: Uint8Array;
}

/** A word of a query, and the vectors of its tokens. */
export interface QueryWord {
  text: string;
  /** Each of `TOKEN_DIMENSIONS`, L2-normalized. */
  tokens: Float32Array[];
}

/** A query as a model sees it. */
export interface EmbeddedQuery {
  /** L2-normalized. */
  vector: Float32Array;
  /** Words with a meaning of their own, in order; empty where the model gives no vectors of tokens. */
  words: QueryWord[];
}

/**
 * - `off`: makes no vectors until the next start (`reason` says why);
 * - `loading`: starting for the first time;
 * - `ready`: makes vectors;
 * - `degraded`: was ready before and is recovering (a crash, a failing endpoint).
 */
export type EmbedderState = 'disabled' | 'loading' | 'ready' | 'degraded';

/** A text to embed, or a part of one. */
export type Document = string | DocumentPart;

export interface DocumentPart {
  text: string;
  /** More text follows: a short last passage is left to the next part. Default false. */
  isContinued?: boolean;
  /**
   * Text from before this one, such as the former turns of a dialogue. An encoder that gives vectors of tokens reads the first
   * passage behind it, if both fit, and keeps the passage's own tokens (late chunking, Günther et al. 2024); others ignore it.
   */
  lead?: string | null;
}

export interface DocumentOptions {
  /** Puts the texts ahead of all other documents, beside queries; for a few short texts. */
  urgent?: boolean;
  /** Makes one attempt where an embedder would make several: the caller repeats it. */
  once?: boolean;
  /** Stops the work on these texts. */
  signal?: AbortSignal;
}

/** Turns texts into vectors. The interface that search and the indexer use. */
export interface Embedder {
  /** Model and generation, such as `local:all-MiniLM-L6-v2-int8@1`. Vectors of different names are never compared. */
  readonly model: string;
  /** Length of every vector; 0 before the first response of an endpoint without a configured length. */
  readonly dimensions: number;
  /** Whether it gives vectors of tokens too, which a search compares one by one. */
  readonly hasTokenVectors: boolean;
  /** The texts that it was trained on; undefined where that is not known, as of an endpoint's model. */
  readonly reads: ReadableTexts | undefined;
  readonly state: EmbedderState;
  /** Reason why it is not `ready`, for operators; undefined when it is. */
  readonly reason: string | undefined;
  /**
   * Embeds a query, ahead of all waiting documents.
   * @throws EmbedderUnavailable when there is no vector in time (the search is then lexical only), or the signal's reason
   */
  embedQuery(text: string, signal?: AbortSignal): Promise<EmbeddedQuery>;
  /**
   * Splits each text into passages and embeds them. The passages cover the text in order, with some overlap; a text
   * without words has none. Waits while the model is loading or recovering.
   * @throws EmbeddingFailed when one of the texts may be the reason; EmbedderUnavailable when it is off or not reachable, or
   *   the signal's reason. Then no text is done, and the call can be repeated
   */
  embedDocuments(texts: readonly Document[], options?: DocumentOptions): Promise<Chunk[][]>;
  /** Rejects pending calls and stops everything. May be called more than once. */
  close(): Promise<void>;
}

/** Embeds texts as `embedder.embedDocuments` does, without their encoded data, which has no meaning, and measures it. */
export function embedDocuments(
  embedder: Embedder,
  texts: readonly Document[],
  options?: DocumentOptions,
): Promise<Chunk[][]> {
  const attributes = { model: embedder.model, texts: texts.length };
  return traced({ name: 'embed documents', kind: 'encoder', attributes }, () =>
    embedder.embedDocuments(texts.map(toReadable), options),
  );
}

function toReadable(document: Document): Document {
  if (typeof document === 'string') return withoutEncodedData(document);
  return { ...document, text: withoutEncodedData(document.text) };
}

/** The models that a query is embedded by. */
export interface Embedders {
  /** Embeds new texts and queries. */
  readonly current: Embedder;
  /** Earlier models of which vectors are still stored; the indexer removes one when its last vector is replaced. */
  readonly previous: readonly Embedder[];
  /**
   * Embeds a few queued memories now, ahead of the queue, and stores their vectors.
   * @returns false when that takes longer than the deadline, or fails; the queue does it then
   */
  embedNow?(memories: readonly QueuedMemory[]): Promise<boolean>;
}

/** The state of the current model: all that a write of memories needs to know of the models. */
export interface EmbedderStates {
  readonly current: Pick<Embedder, 'state'>;
}

/** Returns true when the current model makes vectors now, or will once it is loaded or has recovered. */
export function canEmbed({ current }: EmbedderStates): boolean {
  return current.state !== 'disabled';
}

/** No vector is available now. A search continues without one; the queue retries later. */
export class EmbedderUnavailable extends Error {
  override name = 'EmbedderUnavailable';
}

/** Texts could not be embedded, and one of them may be the reason: the model rejected it, or the encoder ended with it. */
export class EmbeddingFailed extends EmbedderUnavailable {
  override name = 'EmbeddingFailed';
  readonly reason: 'rejected' | 'encoder_stopped';

  constructor(message: string, reason: EmbeddingFailed['reason'], options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
