import { type MemoryFilter, whereMemories } from '../../db/queries/memories/filters.ts';
import { findCreatedWithin } from '../../db/queries/search/dates.ts';
import { findAdjacentMemories } from '../../db/queries/search/session-context.ts';
import { listSuccessors } from '../../db/queries/search/successors.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type LexicalQuery, prepareLexicalQuery, rankLexical } from './lexical.ts';
import { lowerBound } from './model-trust.ts';
import type { DateSpan } from './query-dates.ts';
import { preferenceOf } from './query-intent.ts';
import { parseQuery } from './query-parser.ts';
import { raisePreferred } from './same-subject.ts';
import { type Hit, type ScoredHit, scoreCandidates } from './score-candidates.ts';
import { matchScore, type ScoreComponents } from './score-fusion.ts';
import { embedQuery, type QueryEmbedding, type SemanticState, semanticSearch } from './semantic.ts';

/** Best lexical candidates whose adjacent memories become candidates too. */
const WITH_SESSION_CONTEXT = 40;
/** Newest memories of each span of time that the query names. */
const DATED_CANDIDATES = 50;
/** Superseded memories whose successors are looked up. */
const SUPERSEDED_MAX = 20;
/** Scores below this are poor matches: at most one answerable query in twenty, most of the others (`npm run eval`). */
const LOW_CONFIDENCE_BELOW = 0.155;
/** The same where tokens are compared, which adds to every score. */
const LOW_CONFIDENCE_BELOW_WITH_TOKENS = 0.28;
/** The same for lexical scores alone, which separate less: one in ten of the answerable queries, two thirds of the others. */
const LOW_CONFIDENCE_BELOW_LEXICAL = 0.08;

/** The state of each retriever in a search. */
interface Retrievers {
  lexical: 'ok';
  semantic: SemanticState;
}

export interface HybridResult {
  /** Best first. */
  hits: Hit[];
  /** Ids of further memories that hold a term of the query, best first by their words. They rank behind the hits. */
  others: string[];
  query: LexicalQuery;
  /** Memories that hold a term of the query; `complete` is false when there may be more. */
  matching: { count: number; complete: boolean };
  /** True when memories that hold a term of the query were not ranked. */
  hasMore: boolean;
  /** True when there are hits and none is a good match. */
  lowConfidence: boolean;
  /** True when some newly written memories could not be compared by meaning: their vectors are not stored yet. */
  pending: boolean;
  retrievers: Retrievers;
}

/** A query in natural language, and how its hits are ranked. */
export interface SearchQuery {
  text: string;
  /** Spans of time that the text names: memories of these times score higher. */
  dates: readonly DateSpan[];
  /** Whether recency and importance count, and newer memories about a subject rank first. Default true. */
  boosts?: boolean | undefined;
}

/** Numbers of memories that a search finds. All candidates are scored by both retrievers. */
export interface SearchSize {
  /** Candidates that hold terms of the query. */
  lexical: number;
  /** Candidates with passages similar to the query, of each model. */
  semantic: number;
  /** Memories that hold terms of the query: those that are no candidates are ranked behind, by their words. Default `lexical`. */
  reached?: number;
}

/**
 * Finds and ranks the memories that match a query, by its terms and by its meaning. Where the filter leaves out superseded memories, one
 * that matches still leads to the memory that supersedes it.
 */
export async function hybridSearch(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  narrowed: MemoryFilter,
  { text, dates, boosts }: SearchQuery,
  { lexical: candidates, semantic, reached = candidates }: SearchSize,
): Promise<HybridResult> {
  const filter: MemoryFilter = { passages: 'own_type', ...narrowed };
  const { superseded, ...scope } = filter;
  const where = () => whereMemories(caller.userId, scope);
  const named = dates.filter(({ isOpen }) => !isOpen);
  const [{ query, lexical, adjacent }, { embeddings, state, nearest, pending }, dated] = await Promise.all([
    lexicalSearch(context, caller, filter, text, reached),
    semanticSearch(context, caller, embedders, where, text, semantic),
    Promise.all(named.map((span) => findCreatedWithin(context.sql, where(), span, DATED_CANDIDATES))),
  ]);
  const replaced =
    superseded === false && query.hasSuperseded
      ? await findReplaced(context, caller, scope, query, nearest)
      : { ids: [], successors: [] };
  const near = adjacent.map(({ adjacent_id }) => adjacent_id);
  const added = [...dated.flat(), ...replaced.ids, ...replaced.successors];
  const byWords = [...lexical.hits.keys()];
  // Where superseded memories are wanted, each follows its successor, which may be anywhere among them.
  const best = superseded === false ? byWords.slice(0, candidates) : byWords;
  const ids = new Set([...best, ...nearest, ...near, ...added]);
  const scored = await scoreCandidates(context, caller, scope, {
    ids: [...ids],
    adjacent,
    query,
    embeddings,
    dates,
    boosts,
  });
  const successors = new Set(replaced.successors);
  const matching = scored.filter(({ id, components }) => isMatch(components) || successors.has(id));
  const preference = boosts === false ? undefined : preferenceOf(text);
  if (preference) raisePreferred(matching, query, preference);
  const ranked = rank(matching);
  const hits = ranked.filter(({ attributes }) => superseded !== false || attributes.superseded_by === null);
  return {
    hits,
    others: byWords.filter((id) => !ids.has(id)),
    query,
    matching: { count: lexical.candidates, complete: lexical.complete },
    hasMore: !lexical.complete || lexical.candidates > lexical.hits.size,
    lowConfidence: hits.length > 0 && Math.max(...hits.map(matchScore)) < lowConfidenceBelow(hits, embeddings[0]),
    pending,
    retrievers: { lexical: 'ok', semantic: state },
  };
}

/** Returns the score below which the best hit is a poor match. */
function lowConfidenceBelow(hits: readonly Hit[], embedding: QueryEmbedding | undefined): number {
  if (!embedding) return LOW_CONFIDENCE_BELOW_LEXICAL;
  const comparesTokens = hits.some(({ components }) => components.lateInteraction !== undefined);
  return lowerBound(comparesTokens ? LOW_CONFIDENCE_BELOW_WITH_TOKENS : LOW_CONFIDENCE_BELOW, embedding.trust);
}

/** Finds the best lexical candidates, and the memories adjacent to them. */
async function lexicalSearch(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  text: string,
  limit: number,
) {
  const query = await prepareLexicalQuery(context.sql, caller.userId, parseQuery(text));
  const lexical = await rankLexical(context.sql, caller.userId, filter, query, limit);
  const best = [...lexical.hits.keys()].slice(0, WITH_SESSION_CONTEXT);
  return { query, lexical, adjacent: await findAdjacentMemories(context.sql, caller.userId, best) };
}

/** Finds superseded memories that match a query, and the memories that supersede them. */
async function findReplaced(
  context: RequestContext,
  caller: Caller,
  scope: MemoryFilter,
  query: LexicalQuery,
  nearest: readonly string[],
): Promise<{ ids: string[]; successors: string[] }> {
  const { hits } = await rankLexical(context.sql, caller.userId, { ...scope, superseded: true }, query, SUPERSEDED_MAX);
  const ids = [...hits.keys()];
  return { ids, successors: await listSuccessors(context.sql, caller.userId, [...ids, ...nearest]) };
}

/** Scores memories that an earlier search ranked, in the given order. Those that no longer match the filter are left out. */
export async function scoreHits(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  { text, dates, boosts }: SearchQuery,
  ids: readonly string[],
): Promise<Pick<HybridResult, 'hits' | 'query' | 'retrievers'>> {
  const [query, { embeddings, state }, adjacent] = await Promise.all([
    prepareLexicalQuery(context.sql, caller.userId, parseQuery(text)),
    embedQuery(embedders, text),
    findAdjacentMemories(context.sql, caller.userId, ids),
  ]);
  const scored = await scoreCandidates(context, caller, filter, { ids, adjacent, query, embeddings, dates, boosts });
  const byId = new Map(scored.map((hit) => [hit.id, hit]));
  return {
    hits: ids.flatMap((id) => byId.get(id) ?? []),
    query,
    retrievers: { lexical: 'ok', semantic: state },
  };
}

function isMatch({ lexical, sessionContext, semantic, date }: ScoreComponents): boolean {
  return lexical > 0 || sessionContext > 0 || semantic !== undefined || date === 1;
}

/** Sorts hits best first. A superseded memory comes directly after its successor, if that was found too. */
function rank(scored: ScoredHit[]): ScoredHit[] {
  const byId = new Map(scored.map((hit) => [hit.id, hit]));
  const placed = new Set<ScoredHit>();
  const place = (hit: ScoredHit) => {
    const successor = hit.attributes.superseded_by ? byId.get(hit.attributes.superseded_by) : undefined;
    if (placed.has(hit)) return;
    placed.add(hit);
    if (!successor || placed.has(successor)) return;
    // However much better the older text matches.
    successor.score = Math.max(successor.score, hit.score);
    place(successor);
    placed.delete(hit);
    placed.add(hit);
  };
  scored.sort(bestFirst).forEach(place);
  return [...placed];
}

function bestFirst(a: ScoredHit, b: ScoredHit): number {
  const [newer, older] = [b.attributes.created_at, a.attributes.created_at];
  return b.score - a.score || newer.getTime() - older.getTime() || (a.id < b.id ? 1 : -1);
}
