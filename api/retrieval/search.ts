import { hasMemories } from '../../db/memories.ts';
import { type MemoryFilter, whereMemories } from '../../db/memory-filters.ts';
import { countMatching, describeHits, type Hit, parseQuery, type QueryWord, rankMemories } from '../../db/search.ts';
import type { Sql } from '../../db/sql.ts';
import type { SearchResult } from '../contracts/search.ts';
import type { Caller, Deps } from '../domain.ts';
import { decodeCursor, encodeCursor } from '../memory/cursor.ts';
import { type FilterInput, toFilter } from '../memory/filter.ts';
import { countTokens } from './tokens.ts';

/** How many of the best are ranked; a cursor pins them, so that nothing written meanwhile shuffles the pages. */
const RANKED_MAX = 200;
/** A pinned id takes this many tokens of a cursor, which counts towards the budget of the answer. */
const TOKENS_PER_PINNED_ID = 18;

type SearchInput = FilterInput & {
  query: string;
  limit: number;
  cursor?: string | undefined;
  max_tokens?: number | undefined;
};

/** Finds memories that hold any word of the query, best first. */
export async function search(deps: Deps, caller: Caller, input: SearchInput) {
  const { limit, cursor, max_tokens, ...asked } = input;
  const question = [asked, caller.project];
  const filter = toFilter(caller, input);
  const words = await parseQuery(deps.sql, input.query);
  const pinned = cursor === undefined ? undefined : decodeCursor(question, cursor).map(String);
  const [ranked, total] = await Promise.all([
    pinned ?? rank(deps.sql, caller, filter, words, RANKED_MAX),
    countMatching(deps.sql, whereMemories(caller.userId, filter), lexemesOf(words)),
  ]);
  const results = await describe(deps.sql, caller, filter, words, ranked.slice(0, limit));
  const shown = fitBudget(results, max_tokens);
  const rest = ranked.slice(consumed(ranked, results, shown, limit));
  const pinnable = max_tokens === undefined ? rest : rest.slice(0, Math.floor(max_tokens / 4 / TOKENS_PER_PINNED_ID));
  return {
    results: shown,
    total,
    total_relation: 'eq' as const,
    next_cursor: pinnable.length > 0 ? encodeCursor(question, pinnable) : null,
    truncated: shown.length < results.length,
    ...(total === 0 && { reason: await whyNothing(deps.sql, caller) }),
  };
}

/** Ids of the best memories for a text, best first. */
export async function rank(
  sql: Sql,
  caller: Caller,
  filter: MemoryFilter,
  words: readonly QueryWord[],
  limit: number,
): Promise<string[]> {
  const ranked = await rankMemories(sql, whereMemories(caller.userId, filter), lexemesOf(words), limit);
  return ranked.map(({ id }) => id);
}

/** Why an answer is empty: there is nothing at all, or nothing that fits. */
export async function whyNothing(sql: Sql, caller: Caller): Promise<'nothing_stored' | 'nothing_matched'> {
  return (await hasMemories(sql, caller.userId)) ? 'nothing_matched' : 'nothing_stored';
}

async function describe(
  sql: Sql,
  caller: Caller,
  filter: MemoryFilter,
  words: readonly QueryWord[],
  ids: readonly string[],
): Promise<SearchResult[]> {
  const hits = await describeHits(sql, whereMemories(caller.userId, filter), ids, lexemesOf(words));
  const byId = new Map(hits.map((hit) => [hit.id, hit]));
  return ids.flatMap((id) => {
    const hit = byId.get(id);
    return hit ? [present(hit, words)] : [];
  });
}

function present(hit: Hit, words: readonly QueryWord[]): SearchResult {
  const matched = words.filter((word) => hit.lexemes.includes(word.lexeme)).map((word) => word.token);
  return {
    id: hit.id,
    title: hit.title,
    snippet: hit.snippet,
    score: Math.round(hit.score * 1e6) / 1e6,
    matched: [...new Set(matched)].sort(),
    type: hit.type,
    status: hit.status,
    tags: hit.tags,
    project: hit.project,
    session_id: hit.session_id,
    occurred_at: hit.occurred_at?.toISOString() ?? null,
    created_at: hit.created_at.toISOString(),
    updated_at: hit.updated_at.toISOString(),
    superseded_by: hit.superseded_by,
  };
}

/** As many results as the budget holds; the first always, or an answer could be empty with something found. */
function fitBudget(results: SearchResult[], maxTokens: number | undefined): SearchResult[] {
  if (maxTokens === undefined) return results;
  let left = maxTokens * 0.75;
  const shown: SearchResult[] = [];
  for (const result of results) {
    left -= countTokens(JSON.stringify(result));
    if (left < 0 && shown.length > 0) break;
    shown.push(result);
  }
  return shown;
}

/** How many of the ranked ids the shown results use up, those that are gone meanwhile included. */
function consumed(ranked: string[], results: SearchResult[], shown: SearchResult[], limit: number): number {
  if (shown.length === results.length) return Math.min(limit, ranked.length);
  return ranked.indexOf(shown.at(-1)?.id ?? '') + 1;
}

function lexemesOf(words: readonly QueryWord[]): string[] {
  return [...new Set(words.map((word) => word.lexeme))];
}
