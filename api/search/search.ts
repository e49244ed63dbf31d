import { z } from 'zod';
import type { Sql } from '../../db/client/sql.ts';
import { findMemories, hasMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { SearchResult } from '../contracts/search.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { type Finding, type Found, find, passageIn } from './hybrid-search.ts';
import { snippetOf } from './snippet.ts';

/** How many of the best are ranked; a cursor pins them, so that nothing written meanwhile shuffles the pages. */
const RANKED_MAX = 200;
/** A pinned id takes this many tokens of a cursor, which counts towards the budget of the answer. */
const TOKENS_PER_PINNED_ID = 20;
/** The part of a budget that a cursor may take. */
const CURSOR_SHARE = 0.2;

type SearchInput = FilterInput & {
  query: string;
  limit: number;
  cursor?: string | undefined;
  boosts?: boolean | undefined;
  explain?: boolean | undefined;
  max_tokens?: number | undefined;
};

/** Finds the memories that match a query, lexically and semantically, best first. Returns a full page: the pipeline fits it to `max_tokens`. */
export async function search(context: RequestContext, caller: Caller, input: SearchInput, embedders: Embedders) {
  const { limit, cursor, max_tokens, explain = false, ...asked } = input;
  const question = [asked, caller.project];
  const place = cursor === undefined ? undefined : placeOf(decodeCursor(question, cursor, PLACE));
  const finding = await find(
    context,
    caller,
    embedders,
    { ...toFilter(caller, input), passages: 'long_term' as const },
    input.query,
    input.boosts,
  );
  const ranking = rankFrom(finding, place);
  const { ids } = ranking;
  const results = await describe(context, caller, finding, ids.slice(0, limit), explain);
  const total = Math.max(finding.matching.count, finding.ranked.length);
  const reason = total === 0 ? await whyNothing(context.sql, caller) : undefined;
  const pinsMax =
    max_tokens === undefined ? RANKED_MAX : Math.floor((max_tokens * CURSOR_SHARE) / TOKENS_PER_PINNED_ID);
  const page = (shown: readonly SearchResult[], next_cursor: string | null) => ({
    results: [...shown],
    total,
    total_relation: isExact(finding) ? ('eq' as const) : ('gte' as const),
    next_cursor,
    truncated: shown.length < results.length,
    retrievers: finding.ran,
    ...(finding.relaxed && { operators_ignored: true as const }),
    ...(finding.weak && { low_confidence: true as const }),
    ...(finding.pending && { embedding_pending: true as const }),
    ...(reason && { reason }),
  });
  const toResponse = (shown: readonly SearchResult[]) => {
    const used = consumed(ids, results, shown, limit);
    const next = { done: ranking.done + used, all: ranking.all, pinned: ids.slice(used, used + pinsMax) };
    return page(shown, next.done < next.all ? encodeCursor(question, [next.done, next.all, pack(next.pinned)]) : null);
  };
  const toResponseWithoutCursor = (shown: readonly SearchResult[]) => page(shown, null);
  return { items: results, toResponse, toResponseWithoutCursor };
}

/** Where a page of results starts: how many of how many ranked ones came before, and the ids that are pinned for it. */
interface Place {
  done: number;
  all: number;
  pinned: string[];
}

/** The ranked ids from a place on: the pinned ones, and where a budget left no room for any, those of the rank there. */
function rankFrom({ ranked }: Finding, place?: Place) {
  if (place && place.pinned.length > 0) return { ids: place.pinned, done: place.done, all: place.all };
  const ids = ranked.slice(0, RANKED_MAX).map(({ id }) => id);
  const done = place?.done ?? 0;
  return { ids: ids.slice(done), done, all: ids.length };
}

/** True when `total` counts every memory that holds a word: with meanings at work any memory may be near. */
function isExact({ matching, ran }: Finding): boolean {
  return matching.complete && ran.semantic !== 'ok';
}

const PLACE = z.tuple([z.int().min(0), z.int().min(0), z.string()]);

function placeOf([done, all, pins]: z.output<typeof PLACE>): Place {
  return { done, all, pinned: unpack(pins) };
}

/** Ids in as few characters as can be: a cursor is paid for by the token. */
function pack(ids: readonly string[]): string {
  return Buffer.from(ids.join('').replaceAll('-', ''), 'hex').toString('base64url');
}

function unpack(pins: string): string[] {
  const digits = Buffer.from(pins, 'base64url').toString('hex').match(/.{32}/g) ?? [];
  return digits.map((hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
}

/** Why an answer is empty: there is nothing at all, or nothing that fits. */
export async function whyNothing(sql: Sql, caller: Caller): Promise<'nothing_stored' | 'nothing_matched'> {
  return (await hasMemories(sql, caller.userId)) ? 'nothing_matched' : 'nothing_stored';
}

/** The results of these ids, in their order. What no longer passes the filter is left out. */
async function describe(
  context: RequestContext,
  caller: Caller,
  finding: Finding,
  ids: readonly string[],
  explain: boolean,
): Promise<SearchResult[]> {
  const memories = new Map((await findMemories(context.sql, caller.userId, ids)).map((memory) => [memory.id, memory]));
  const found = new Map(finding.ranked.map((one) => [one.id, one]));
  return ids.flatMap((id) => {
    const [memory, one] = [memories.get(id), found.get(id)];
    return memory && one ? [present(memory, one, finding, explain)] : [];
  });
}

function present(memory: MemoryRow, found: Found, finding: Finding, explain: boolean): SearchResult {
  const { snippet, matched } = snippetOf(memory.content, finding.query, passageIn(memory, found));
  const words = new Set([...matched, ...snippetOf(`${memory.title}\n${memory.tags.join(' ')}`, finding.query).matched]);
  return {
    id: memory.id,
    title: memory.title,
    snippet,
    score: round(found.score),
    matched: [...words].sort(),
    type: memory.type,
    status: memory.status,
    tags: memory.tags,
    project: memory.project,
    session_id: memory.session_id,
    occurred_at: memory.occurred_at?.toISOString() ?? null,
    created_at: memory.created_at.toISOString(),
    updated_at: memory.updated_at.toISOString(),
    superseded_by: memory.superseded_by,
    ...(memory.consolidated_into && { consolidated_into: memory.consolidated_into }),
    ...(explain && { explanation: explained(found) }),
  };
}

function explained({ parts: { neighbours, ...parts } }: Found) {
  const known = Object.entries({ ...parts, session_context: neighbours }).flatMap(([part, value]) =>
    value === undefined ? [] : [[part, round(value)]],
  );
  return Object.fromEntries(known);
}

function round(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

/** How many of the ranked ids the shown results use up, those that are gone meanwhile included. */
function consumed(
  ranked: string[],
  results: readonly SearchResult[],
  shown: readonly SearchResult[],
  limit: number,
): number {
  if (shown.length === results.length) return Math.min(limit, ranked.length);
  return ranked.indexOf(shown.at(-1)?.id ?? '') + 1;
}
