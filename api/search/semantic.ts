import type { Sql } from '../../db/client/sql.ts';
import type { Where } from '../../db/queries/memories/filters.ts';
import { findNearest, findVectors, type VectorRow } from '../../db/queries/search/vectors.ts';
import type { Caller, RequestContext } from '../context.ts';
import { type Embedder, type Embedders, EmbedderUnavailable } from '../embeddings/embedder.ts';
import { embedPending } from './pending-embeddings.ts';
import { bestPassage } from './score-fusion.ts';

/** Whether a search by meaning ran, or what keeps it. */
export type SemanticState = 'ok' | 'disabled' | 'loading' | 'unavailable';

/** A question as a vector of a model. */
export interface Meaning {
  vector: Float32Array;
  model: string;
}

/** The question by the present model, and by former ones whose vectors are not all replaced yet. */
async function embedQuestion(
  { current, previous }: Embedders,
  text: string,
): Promise<{ questions: Meaning[]; ran: SemanticState }> {
  const [present, ...former] = await Promise.all([current, ...previous].map((embedder) => embedBy(embedder, text)));
  const questions = [present, ...former].flatMap((one) => (typeof one === 'object' ? [one] : []));
  return { questions, ran: typeof present === 'string' ? present : 'ok' };
}

async function embedBy(embedder: Embedder, text: string): Promise<Meaning | Exclude<SemanticState, 'ok'>> {
  if (embedder.state === 'disabled') return 'disabled';
  if (embedder.state === 'loading') return 'loading';
  try {
    return { vector: await embedder.embedQuery(text), model: embedder.model };
  } catch (error) {
    if (error instanceof EmbedderUnavailable) return 'unavailable';
    throw error;
  }
}

/** What was found by meaning, by which questions, or what kept it. */
export interface FoundByMeaning {
  questions: Meaning[];
  ran: SemanticState;
  /** The nearest memories of every model, each as many as one model's would be. */
  nearest: string[];
  /** True when memories are left that have no vectors yet. */
  pending: boolean;
}

/** The memories that mean what is asked most nearly. */
export async function findByMeaning(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  where: () => Where,
  text: string,
  limit: number,
): Promise<FoundByMeaning> {
  const [{ questions, ran }, pending] = await Promise.all([
    embedQuestion(embedders, text),
    embedPending(context, caller, embedders),
  ]);
  const nearest = await Promise.all(
    questions.map(({ model, vector }) => findNearest(context.sql, where, model, vector, limit)),
  );
  return { questions, ran, nearest: nearest.flat(), pending };
}

/** How near a memory is to a question, and by which passage. */
export interface Nearness {
  similarity: number;
  passage: { start: number; end: number };
}

/** How near each memory is to the question, and its nearest passage. A memory has the vectors of one model. */
export async function measureNearness(
  sql: Sql,
  userId: string,
  questions: readonly Meaning[],
  ids: readonly string[],
): Promise<Map<string, Nearness>> {
  const nearness = new Map<string, Nearness>();
  for (const { model, vector } of questions) {
    for (const [id, rows] of await findVectors(sql, userId, model, ids)) nearness.set(id, nearestOf(rows, vector));
  }
  return nearness;
}

function nearestOf(rows: readonly VectorRow[], vector: Float32Array): Nearness {
  const cosines = rows.map((row) => dot(row.vector, vector));
  const best = rows[cosines.indexOf(Math.max(...cosines))] as VectorRow;
  return { similarity: bestPassage(cosines), passage: { start: best.start, end: best.end } };
}

function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}
