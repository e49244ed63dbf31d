import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sql } from '../../db/client/sql.ts';
import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { hasMemories } from '../../db/queries/memories/memories.ts';
import { type ExcerptRow, findExcerpts } from '../../db/queries/search/excerpts.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { SearchResult } from '../contracts/search.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type FilterInput, toReadFilter } from '../listing/filter.ts';
import { formatWithOffset } from '../time.ts';
import { reasonsOf, round, toExplanation } from './explain.ts';
import { type HybridResult, hybridSearch, type SearchQuery, scoreHits } from './hybrid-search.ts';
import type { LexicalQuery } from './lexical.ts';
import { LONG_TEXT_MIN } from './long-texts.ts';
import { parseDates } from './query-dates.ts';
import { parseExclusions } from './query-parser.ts';
import { type Hit, passageInContent } from './score-candidates.ts';
import { decodeSearchCursor, encodeSearchCursor, LEXICAL_CANDIDATES, type SearchPosition } from './search-cursor.ts';
import { createSnippet, termsOfHashes } from './snippet.ts';

/** Ranked results that pages can reach. A cursor pins their ids, so that later writes do not shuffle the pages. */
const RANKED_MAX = 200;
/** Semantic candidates, and lexical ones for each result of the first page. More do not change its order noticeably (docs/decisions/0163). */
const SEMANTIC_CANDIDATES = 100;
const LEXICAL_CANDIDATES_PER_RESULT = 2;
/** Tokens that a pinned id takes in a cursor, which counts towards the budget of the response. */
const TOKENS_PER_PINNED_ID = 20;
/** Characters of which snippets are cut before other calls have their turn: a few milliseconds. */
const CHARACTERS_PER_TURN = 16_384;
/** Share of a budget that a cursor may take. */
const CURSOR_SHARE = 0.2;

type SearchInput = FilterInput & {
  query: string;
  exclude?: string[] | undefined;
  limit: number;
  cursor?: string | undefined;
  timezone?: string | undefined;
  boosts?: boolean | undefined;
  explain?: boolean | undefined;
  max_tokens?: number | undefined;
};

/** Finds the memories that match a query, lexically and semantically, best first. Returns a full page: the pipeline fits it to `max_tokens`. */
export async function search(context: RequestContext, caller: Caller, input: SearchInput, embedders: Embedders) {
  const { limit, cursor, max_tokens, explain = false, ...criteria } = input;
  const bound = [criteria, caller.project];
  const position = cursor === undefined ? undefined : decodeSearchCursor(bound, cursor);
  const exclude = parseExclusions(input.exclude ?? []);
  const filter = { ...toReadFilter(context, caller, input), exclude, passages: 'long_term' as const };
  const page = await findPage(context, caller, embedders, filter, input, position);
  const results = await toResults(context, caller, page, explain);
  const reason = page.total === 0 ? await emptyReason(context.sql, caller) : undefined;
  const pinsMax =
    max_tokens === undefined ? RANKED_MAX : Math.floor((max_tokens * CURSOR_SHARE) / TOKENS_PER_PINNED_ID);
  const toPage = (shown: readonly SearchResult[], next_cursor: string | null) => ({
    results: [...shown],
    total: page.total,
    total_relation: page.isExact ? ('eq' as const) : ('gte' as const),
    ...(page.ranked < page.total && { reachable: page.ranked }),
    next_cursor,
    truncated: shown.length < results.length,
    retrievers: page.retrievers,
    ...(page.lowConfidence && { low_confidence: true as const }),
    ...(page.pending && { embedding_pending: true as const }),
    ...(reason && { reason }),
  });
  const toResponse = (shown: readonly SearchResult[]) => {
    const used = countUsed(page.ids, results, shown, limit);
    const next = { ...page, done: page.done + used, pinned: page.ids.slice(used, used + pinsMax) };
    return toPage(shown, next.done < next.ranked ? encodeSearchCursor(bound, next) : null);
  };
  const toResponseWithoutCursor = (shown: readonly SearchResult[]) => toPage(shown, null);
  return { items: results, toResponse, toResponseWithoutCursor };
}

/** A page before its memories are loaded. */
interface Page extends Omit<SearchPosition, 'pinned'> {
  /** Ids of the ranked results from the start of this page on. */
  ids: string[];
  /** Hits of this page, in order. */
  hits: Hit[];
  query: LexicalQuery;
  retrievers: HybridResult['retrievers'];
  pending: boolean;
}

type PageInput = Pick<SearchInput, 'query' | 'limit' | 'timezone' | 'boosts'>;

function findPage(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  input: PageInput,
  position: SearchPosition | undefined,
): Promise<Page> {
  // A pinned result is delivered even if it was superseded or has expired since.
  const { superseded, validAt, ...pinnedFilter } = filter;
  return position && position.pinned.length > 0
    ? findPinnedPage(context, caller, embedders, pinnedFilter, input, position)
    : rankPage(context, caller, embedders, filter, input, position);
}

/** Runs the search. When the budget of earlier pages was too small to pin further ids, it ranks what was stored at the first page. */
async function rankPage(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  input: PageInput,
  position: SearchPosition | undefined,
): Promise<Page> {
  const rankedAt = position?.rankedAt ?? context.now().getTime();
  const query = toQuery(input, rankedAt);
  const stored = position ? storedBefore(filter, new Date(rankedAt + 1)) : filter;
  const candidates = position?.candidates ?? lexicalCandidatesFor(input.limit);
  const size = { lexical: candidates, semantic: SEMANTIC_CANDIDATES, reached: RANKED_MAX };
  const found = await hybridSearch(context, caller, embedders, stored, query, size);
  const ranked = [...found.hits.map(({ id }) => id), ...found.others];
  const done = position?.done ?? 0;
  const ids = ranked.slice(done, RANKED_MAX);
  const known = new Map(found.hits.map((hit) => [hit.id, hit]));
  const shown = ids.slice(0, input.limit);
  const unknown = shown.filter((id) => !known.has(id));
  const scored = unknown.length > 0 ? await scoreHits(context, caller, embedders, stored, query, unknown) : undefined;
  for (const hit of scored?.hits ?? []) known.set(hit.id, hit);
  return {
    ids,
    hits: shown.flatMap((id) => known.get(id) ?? []),
    done,
    ranked: done + ids.length,
    candidates,
    total: position?.total ?? Math.max(found.matching.count, ranked.length),
    // A semantic search may find any memory near.
    isExact: position?.isExact ?? (found.matching.complete && found.retrievers.semantic !== 'ok'),
    lowConfidence: position?.lowConfidence ?? found.lowConfidence,
    rankedAt,
    query: found.query,
    retrievers: found.retrievers,
    pending: found.pending,
  };
}

function lexicalCandidatesFor(limit: number): number {
  const { min, max } = LEXICAL_CANDIDATES;
  return Math.min(max, Math.max(min, LEXICAL_CANDIDATES_PER_RESULT * limit));
}

/** Scores the next pinned ids only. Skips those that were deleted or no longer match the filter. */
async function findPinnedPage(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  input: PageInput,
  { pinned, ...position }: SearchPosition,
): Promise<Page> {
  const { limit } = input;
  const query = toQuery(input, position.rankedAt);
  let skipped = 0;
  let found = await scoreHits(context, caller, embedders, filter, query, pinned.slice(0, limit));
  while (found.hits.length === 0 && skipped + limit < pinned.length) {
    skipped += limit;
    const ids = pinned.slice(skipped, skipped + limit);
    found = await scoreHits(context, caller, embedders, filter, query, ids);
  }
  return { ...position, ...found, ids: pinned.slice(skipped), done: position.done + skipped, pending: false };
}

/** Reads the dates of a query as of the time of its first page. */
function toQuery({ query, timezone, boosts }: PageInput, rankedAt: number): SearchQuery {
  return { text: query, dates: parseDates(query, new Date(rankedAt), timezone), boosts };
}

function storedBefore(filter: MemoryFilter, time: Date): MemoryFilter {
  const { createdBefore } = filter;
  return { ...filter, createdBefore: createdBefore && createdBefore < time ? createdBefore : time };
}

/** Returns the reason why a result is empty. */
export async function emptyReason(sql: Sql, caller: Caller): Promise<'nothing_stored' | 'nothing_matched'> {
  return (await hasMemories(sql, caller.userId)) ? 'nothing_matched' : 'nothing_stored';
}

async function toResults(
  context: RequestContext,
  caller: Caller,
  { hits, query }: Page,
  explain: boolean,
): Promise<SearchResult[]> {
  const byId = new Map(hits.map((hit) => [hit.id, hit]));
  const requests = hits.map(({ id, passage }) => ({ id, near: passage?.start }));
  const size = { length: LONG_TEXT_MIN, bytesMax: Number.MAX_SAFE_INTEGER };
  const results: SearchResult[] = [];
  let read = 0;
  for (const memory of await findExcerpts(context.sql, caller.userId, requests, query.weightedTerms, size)) {
    results.push(toResult(memory, byId.get(memory.id) as Hit, query, explain));
    read += memory.content.length;
    if (read >= CHARACTERS_PER_TURN) await nextTurn();
    read %= CHARACTERS_PER_TURN;
  }
  return results;
}

function toResult(memory: ExcerptRow, hit: Hit, query: LexicalQuery, explain: boolean): SearchResult {
  const cuts = { before: memory.excerpt_start > 0, behind: memory.is_cut_behind };
  const near = passageInContent(memory, hit);
  const { snippet, highlights, ...inExcerpt } = createSnippet(memory.content, query, near, cuts);
  const matched = memory.held ? termsOfHashes(query, memory.held) : inExcerpt.matched;
  const inTitle = createSnippet(`${memory.title}\n${memory.tags.join(' ')}`, query).matched;
  const words = [...new Set([...matched, ...inTitle])].sort();
  return {
    id: memory.id,
    title: memory.title,
    snippet,
    highlights,
    score: round(hit.score),
    matched: words,
    type: memory.type,
    status: memory.status,
    tags: memory.tags,
    project: memory.project,
    session_id: memory.session_id,
    occurred_at: memory.occurred_at && formatWithOffset(memory.occurred_at, memory.occurred_offset_minutes),
    expires_at: memory.expires_at?.toISOString() ?? null,
    created_at: memory.created_at.toISOString(),
    updated_at: memory.updated_at.toISOString(),
    superseded_by: memory.superseded_by,
    ...(memory.consolidated_into && { consolidated_into: memory.consolidated_into }),
    ...(explain && {
      explanation: toExplanation(hit),
      reasons: reasonsOf(hit, words, memory.consolidated_into !== null),
    }),
  };
}

/** Counts the ranked ids that the shown results use up, including those that no longer exist. */
function countUsed(
  ids: string[],
  results: readonly SearchResult[],
  shown: readonly SearchResult[],
  limit: number,
): number {
  if (shown.length === results.length) return Math.min(limit, ids.length);
  return ids.indexOf(shown.at(-1)?.id ?? '') + 1;
}
