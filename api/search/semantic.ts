import type { Sql } from '../../db/client/sql.ts';
import { traced } from '../../db/client/trace.ts';
import type { Where } from '../../db/queries/memories/where.ts';
import { findNearest, findVectors, type VectorRow } from '../../db/queries/search/vectors.ts';
import type { Caller, RequestContext } from '../context.ts';
import { type Background, dot, modelBackground } from '../embeddings/background.ts';
import { type Embedder, type Embedders, EmbedderUnavailable, type QueryWord } from '../embeddings/embedder.ts';
import { LOCAL_MODEL } from '../embeddings/local/model-name.ts';
import { trustOf } from './model-trust.ts';
import { embedPending } from './pending-embeddings.ts';
import { passageSimilarity } from './score-fusion.ts';
import { similarityScale } from './similarity-scale.ts';

/** Passages of a memory whose tokens are compared with those of a query. */
const COMPARED_PASSAGES = 2;

/** State of the semantic retriever in a search. */
export type SemanticState = 'ok' | 'disabled' | 'loading' | 'unavailable';

/** A query's vector in one model. */
export interface QueryEmbedding {
  vector: Float32Array;
  model: string;
  /** Words with the vectors of their tokens; empty where the model gives none. */
  words: readonly QueryWord[];
  /** How far its similarities can be trusted, up to 1: less where the model does not know the script of the query. */
  trust: number;
  /** The background of the model; undefined for the built-in encoder, and until it is known. */
  background: Background | undefined;
}

/** A query's vectors, and the state of the current model. */
interface EmbeddedQuery {
  embeddings: QueryEmbedding[];
  state: SemanticState;
}

/** Embeds a query by the current model, and by previous ones that still have vectors. */
export async function embedQuery({ current, previous }: Embedders, text: string): Promise<EmbeddedQuery> {
  const [first, ...others] = await Promise.all([current, ...previous].map((embedder) => embedWith(embedder, text)));
  const embeddings = [first, ...others].flatMap((one) => (typeof one === 'object' ? [one] : []));
  return { embeddings, state: typeof first === 'object' ? 'ok' : (first ?? 'disabled') };
}

async function embedWith(embedder: Embedder, text: string): Promise<QueryEmbedding | Exclude<SemanticState, 'ok'>> {
  if (embedder.state === 'disabled') return 'disabled';
  if (embedder.state === 'loading') return 'loading';
  try {
    const { model } = embedder;
    const span = { name: 'embed query', kind: 'encoder', attributes: { model } } as const;
    const { vector, words } = await traced(span, () => embedder.embedQuery(text));
    const background = model === LOCAL_MODEL ? undefined : modelBackground(embedder);
    return { vector, model, background, ...trustOf(text, words, embedder.reads) };
  } catch (error) {
    if (error instanceof EmbedderUnavailable) return 'unavailable';
    throw error;
  }
}

interface SemanticResult extends EmbeddedQuery {
  /** Ids of the nearest memories in each model, each as many as the limit. */
  nearest: string[];
  /** True when some newly written memories have no vectors yet. */
  pending: boolean;
}

/** Finds the memories with the passages most similar to a query. */
export async function semanticSearch(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  where: () => Where,
  text: string,
  limit: number,
): Promise<SemanticResult> {
  const [embedded, pending] = await Promise.all([
    embedQuery(embedders, text),
    embedPending(context, caller, embedders),
  ]);
  const nearest = await Promise.all(
    embedded.embeddings.map(({ model, vector }) => findNearest(context.sql, where, model, vector, limit)),
  );
  return { ...embedded, nearest: nearest.flat(), pending };
}

/** The similarity of a memory to a query, and the passage that is most similar. */
export interface Similarity {
  id: string;
  score: number;
  /** The trust in the similarities of the model. */
  trust: number;
  passage: { start: number; end: number };
  /** The vector of that passage. */
  vector: Float32Array;
  /** The most similar passages, best first, at most {@link COMPARED_PASSAGES}. */
  best: readonly number[];
  passages: number;
}

/** Computes the similarity of each memory that has vectors. A memory has the vectors of one model. */
export async function computeSimilarities(
  sql: Sql,
  userId: string,
  embeddings: readonly QueryEmbedding[],
  ids: readonly string[],
): Promise<Map<string, Similarity>> {
  const similarities = new Map<string, Similarity>();
  for (const embedding of embeddings) {
    const { model, vector, trust } = embedding;
    const toScale = await similarityScale(sql, userId, embedding);
    for (const [id, rows] of await findVectors(sql, userId, model, ids))
      similarities.set(id, { ...similarityOf(id, rows, vector, toScale), trust });
  }
  return similarities;
}

function similarityOf(
  id: string,
  rows: readonly VectorRow[],
  query: Float32Array,
  toScale: (cosine: number) => number,
): Omit<Similarity, 'trust'> {
  const cosines = rows.map((row) => toScale(dot(row.vector, query)));
  const order = [...cosines.keys()].sort((a, b) => (cosines[b] as number) - (cosines[a] as number));
  const nearest = order.slice(0, COMPARED_PASSAGES).map((index) => rows[index] as VectorRow);
  const { start, end, vector } = nearest[0] as VectorRow;
  return {
    id,
    score: passageSimilarity(cosines),
    passage: { start, end },
    vector,
    best: nearest.map(({ chunk }) => chunk),
    passages: rows.length,
  };
}
