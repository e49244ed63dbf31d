import { type MemoryFilter, whereMemories } from '../../db/queries/memories/filters.ts';
import type { ExcerptRow } from '../../db/queries/search/excerpts.ts';
import { type RankingAttributes, scoreMemories } from '../../db/queries/search/ranking-attributes.ts';
import type { AdjacentMemory } from '../../db/queries/search/session-context.ts';
import type { Caller, RequestContext } from '../context.ts';
import { textOf } from '../embeddings/embedded-text.ts';
import { DAY_MS, wallClock } from '../time.ts';
import { LABEL_SEARCHED, namedLabel } from './label.ts';
import { prepareTokens, scoreLateInteraction } from './late-interaction.ts';
import type { LexicalQuery } from './lexical.ts';
import { weighSimilarity } from './model-trust.ts';
import type { DateSpan } from './query-dates.ts';
import type { Preference } from './query-intent.ts';
import { fuse, type ScoreComponents, WEIGHTS } from './score-fusion.ts';
import { computeSimilarities, type QueryEmbedding } from './semantic.ts';

/** Candidates that are compared token by token, the best by their other scores. */
const COMPARED_BY_TOKENS = 48;

/** Recency falls to 1/e in this time. */
const RECENT_MS = 30 * DAY_MS;

/** A memory that a search found, and its score. */
export interface Hit {
  id: string;
  score: number;
  components: ScoreComponents;
  /** The passage most similar to the query, in characters of the embedded text. */
  passage: { start: number; end: number } | undefined;
  /** The label of its text, where the query names it. */
  label: string | undefined;
  /** Why it is ranked directly above another memory about the same subject. */
  raised?: { preference: Preference; subject: string };
}

export interface ScoredHit extends Hit {
  attributes: RankingAttributes;
  /** The vector of the passage most similar to the query. */
  vector: Float32Array | undefined;
}

/** Memories to score, and what they are scored by. */
export interface Candidates {
  ids: readonly string[];
  /** The adjacent memories that contribute session context. */
  adjacent: readonly AdjacentMemory[];
  query: LexicalQuery;
  embeddings: readonly QueryEmbedding[];
  dates: readonly DateSpan[];
  /** Whether recency and importance count. Default true. */
  boosts?: boolean | undefined;
}

/** Scores memories by both retrievers, unordered; those that do not match the filter are left out. */
export async function scoreCandidates(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  { ids, adjacent, query, embeddings, dates, boosts }: Candidates,
): Promise<ScoredHit[]> {
  if (ids.length === 0) return [];
  const withAdjacent = [...new Set([...ids, ...adjacent.map(({ adjacent_id }) => adjacent_id)])];
  const where = whereMemories(caller.userId, filter);
  const [memories, similarities] = await Promise.all([
    scoreMemories(context.sql, where, query, withAdjacent, LABEL_SEARCHED),
    computeSimilarities(context.sql, caller.userId, embeddings, ids),
  ]);
  const lexical = new Map(memories.map(({ id, score }) => [id, query.maximum > 0 ? score / query.maximum : 0]));
  const pairs = toPairs(adjacent);
  const sessionContext = sessionContextScores(lexical, pairs);
  const byWords = (id: string) => (lexical.get(id) ?? 0) + (sessionContext.get(id) ?? 0);
  const now = context.now();
  const wanted = new Set(ids);
  const found = memories
    .filter(({ id }) => wanted.has(id))
    .map((memory) => {
      const similarity = similarities.get(memory.id);
      const label = namedLabel([memory.title_start, memory.content_start], query.queryTerms);
      const components: ScoreComponents = {
        lexical: lexical.get(memory.id) ?? 0,
        semantic: weighSimilarity(similarity, byWords(memory.id)),
        lateInteraction: undefined,
        sessionContext: sessionContext.get(memory.id) ?? 0,
        date: dates.length === 0 ? undefined : isWithin(dates, memory) ? 1 : 0,
        label: label === undefined ? undefined : label === null ? 0 : 1,
        recency: Math.exp(-Math.max(0, now.getTime() - memory.updated_at.getTime()) / RECENT_MS),
        importance: memory.importance === null ? undefined : Math.min(1, Math.max(0, memory.importance)),
      };
      return {
        id: memory.id,
        components,
        passage: similarity?.passage,
        vector: similarity?.vector,
        label: label ?? undefined,
        attributes: memory,
      };
    });
  const scoreOf = (components: ScoreComponents, { expires_at }: RankingAttributes, comparesTokens: boolean) =>
    fuse(components, { boosts, comparesTokens }) / (expires_at !== null && expires_at <= now ? 2 : 1);
  const hits = found.map((hit) => ({ ...hit, score: scoreOf(hit.components, hit.attributes, false) }));
  const best = hits.toSorted((a, b) => b.score - a.score).slice(0, COMPARED_BY_TOKENS);
  const compared = best.flatMap(({ id }) => similarities.get(id) ?? []);
  const tokens = embeddings.map((embedding) => prepareTokens(embedding, query.idf));
  const lateInteraction = await scoreLateInteraction(context.sql, caller.userId, tokens, compared);
  if (lateInteraction.size === 0) return hits;
  const sessionTokens = sessionTokenScores(lateInteraction, pairs);
  return hits.map((hit) => {
    const components = {
      ...hit.components,
      lateInteraction: lateInteraction.get(hit.id),
      sessionContext: hit.components.sessionContext + (sessionTokens.get(hit.id) ?? 0),
    };
    return { ...hit, components, score: scoreOf(components, hit.attributes, true) };
  });
}

/** Compares an event that was given with an offset by its own wall clock, all others by the time zone of the query. */
function isWithin(dates: readonly DateSpan[], memory: RankingAttributes): boolean {
  const { occurred_at, occurred_offset_minutes: offset, created_at } = memory;
  const isLocal = occurred_at !== null && offset !== 0;
  const time = isLocal ? wallClock(occurred_at, offset) : (occurred_at ?? created_at);
  return dates.some((span) => {
    const { from, to } = isLocal ? span.local : span;
    return time >= from && time < to;
  });
}

/** A memory, a later one of the same session, and the turns between them: 1 or 2. */
interface SessionPair {
  earlier: string;
  later: string;
  distance: number;
}

/** Returns each pair of adjacent memories once, however often it was found. */
function toPairs(adjacent: readonly AdjacentMemory[]): SessionPair[] {
  const pairs = adjacent.map(({ id, adjacent_id, distance }) =>
    distance < 0
      ? { earlier: adjacent_id, later: id, distance: -distance }
      : { earlier: id, later: adjacent_id, distance },
  );
  return [...new Map(pairs.map((pair) => [`${pair.earlier} ${pair.later}`, pair])).values()];
}

/** Computes what the lexical scores of adjacent memories of a session add to each other, by distance. */
function sessionContextScores(
  lexical: ReadonlyMap<string, number>,
  pairs: readonly SessionPair[],
): Map<string, number> {
  const { before, after } = WEIGHTS.sessionContext;
  const scores = new Map<string, number>();
  for (const { earlier, later, distance } of pairs) {
    add(scores, later, (before[distance - 1] ?? 0) * (lexical.get(earlier) ?? 0));
    add(scores, earlier, (after[distance - 1] ?? 0) * (lexical.get(later) ?? 0));
  }
  return scores;
}

/** Computes the session context that the late interaction of the memories before adds, as far as it exceeds the mean. */
function sessionTokenScores(
  lateInteraction: ReadonlyMap<string, number>,
  pairs: readonly SessionPair[],
): Map<string, number> {
  const mean = [...lateInteraction.values()].reduce((sum, score) => sum + score, 0) / lateInteraction.size;
  const scores = new Map<string, number>();
  for (const { earlier, later, distance } of pairs) {
    const excess = Math.max(0, (lateInteraction.get(earlier) ?? mean) - mean);
    add(scores, later, (WEIGHTS.sessionTokens[distance - 1] ?? 0) * excess);
  }
  return scores;
}

function add(scores: Map<string, number>, id: string, value: number): void {
  scores.set(id, (scores.get(id) ?? 0) + value);
}

/** Returns a hit's passage as offsets in the loaded part of the content: the embedded text may start with the title. */
export function passageInContent(memory: ExcerptRow, { passage }: Pick<Hit, 'passage'>) {
  if (!passage) return undefined;
  const lead = textOf(memory).length - memory.content.length + memory.excerpt_start;
  return { start: Math.max(0, passage.start - lead), end: Math.max(0, passage.end - lead) };
}
