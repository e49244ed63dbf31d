import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { type KeysetPosition, listMemories } from '../../db/queries/memories/lists.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { type ExcerptRow, findExcerpts } from '../../db/queries/search/excerpts.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type HybridResult, hybridSearch } from '../search/hybrid-search.ts';
import type { LexicalQuery } from '../search/lexical.ts';
import { parseDates } from '../search/query-dates.ts';
import { type Hit, passageInContent } from '../search/score-candidates.ts';
import { findPassageStart } from '../search/snippet.ts';
import type { Item } from './item.ts';
import { CHARACTERS_PER_TOKEN } from './passages.ts';
import { MEMORY_TYPES, type TierQuotas } from './tiers.ts';

/** Most memories of a package. */
const MEMORIES_MAX = 1_000;
/** Fewest tokens that a memory takes in a package: so many candidates fill any budget. */
const TOKENS_PER_MEMORY = 15;
/** Candidates that a search ranks at any budget, and for a tier with both types. */
const CANDIDATES_MIN = 100;
const TIER_CANDIDATES = 300;
/** Memories that are loaded in one query. */
const LOADED_AT_ONCE = 100;
/** Most characters of a text that a tier shows, words included. */
const TIER_CHARACTERS = 8_000;
/** Fewest characters of a long text that are loaded, and bytes of one query, at any budget. */
const CHARACTERS_MIN = 16_384;
/** Characters in which a passage is looked for: a block of a text of a megabyte, and some around it. */
const BLOCK_CHARACTERS = 24_000;
const BYTES_MIN = 262_144;
const TIER_SIZE: LoadSize = { length: TIER_CHARACTERS, bytesMax: 4_194_304 };

/** Memories to select from. */
interface Candidates {
  items: Item[];
  /** Whether more memories match. */
  hasMore: boolean;
  /** Whether some newly written memories could not be compared by meaning. */
  pending: boolean;
}

export interface Read {
  context: RequestContext;
  caller: Caller;
  embedders: Embedders;
  filter: MemoryFilter;
  query: string | undefined;
  /** Time zone of dates in `query`. Default UTC. */
  timezone: string | undefined;
}

/** How much of the memories one query loads: characters of each, and bytes of all, about. */
interface LoadSize {
  length: number;
  bytesMax: number;
}

/** Memories in the order of a package, a part at a time. */
type Pages = AsyncGenerator<{ items: Item[]; isLast: boolean }>;

/** Finds the best or newest memories: as many as the budget may hold, at most {@link MEMORIES_MAX}. */
export async function findForBudget(read: Read, budget: number): Promise<Candidates> {
  const most = Math.min(MEMORIES_MAX, Math.max(CANDIDATES_MIN, Math.ceil(budget / TOKENS_PER_MEMORY)));
  const length = Math.max(CHARACTERS_MIN, budget * CHARACTERS_PER_TOKEN);
  const size = { length, bytesMax: BYTES_MIN + length };
  const { pages, hasMore, pending } = await openPages(read, most, size);
  const items: Item[] = [];
  let characters = 0;
  for await (const page of pages) {
    items.push(...page.items);
    characters += page.items.reduce((sum, { text }) => sum + text.length, 0);
    const isEnough = items.length >= most || characters > budget * CHARACTERS_PER_TOKEN;
    if (isEnough && !page.isLast) return { items: items.slice(0, most), hasMore: true, pending };
  }
  return { items, hasMore, pending };
}

/** Finds the candidates of a tier, short-term memories first: of each type its quota, and one more where there are more. */
export async function findForTier(read: Read, tier: TierQuotas): Promise<Candidates> {
  const types = MEMORY_TYPES.filter((type) => tier[type].items > 0);
  const wanted = (type: MemoryRow['type']) => tier[type].items + 1;
  const [only] = types;
  if (read.query === undefined) {
    const lists = types.map((type) => newest({ ...read, filter: { ...read.filter, type } }, wanted(type), TIER_SIZE));
    return { items: (await Promise.all(lists)).flatMap(({ items }) => items), hasMore: false, pending: false };
  }
  const filter = types.length === 1 && only ? { ...read.filter, type: only } : read.filter;
  const { pages, hasMore, pending } = await openPages(
    { ...read, filter },
    types.length === 1 ? CANDIDATES_MIN : TIER_CANDIDATES,
    TIER_SIZE,
  );
  const found = new Map(types.map((type) => [type, [] as Item[]]));
  const isMissing = (type: MemoryRow['type']) => (found.get(type)?.length ?? 0) < wanted(type);
  for await (const page of pages) {
    for (const item of page.items) if (isMissing(item.memory.type)) found.get(item.memory.type)?.push(item);
    if (!types.some(isMissing)) break;
  }
  return { items: [...found.values()].flat(), hasMore: hasMore && types.some(isMissing), pending };
}

/** Opens the memories that match, best first, or the newest first without a query. `hasMore` says whether the search left some out. */
async function openPages(
  read: Read,
  candidates: number,
  size: LoadSize,
): Promise<{ pages: Pages } & Omit<Candidates, 'items'>> {
  if (read.query === undefined) return { pages: newestPages(read, size), hasMore: false, pending: false };
  const { context, caller, embedders, filter, timezone } = read;
  const dates = parseDates(read.query, context.now(), timezone);
  const query = { text: read.query, dates };
  const searched = { lexical: candidates, semantic: candidates };
  const result = await hybridSearch(context, caller, embedders, filter, query, searched);
  return { pages: rankedPages(read, result, size), hasMore: result.hasMore, pending: result.pending };
}

async function* newestPages(read: Read, size: LoadSize): Pages {
  for (let after: KeysetPosition | undefined; ; ) {
    const page = await newest(read, LOADED_AT_ONCE, size, after);
    yield page;
    const last = page.items.at(-1);
    if (page.isLast || !last) return;
    after = { value: last.memory.created_at.toISOString(), id: last.memory.id };
  }
}

async function newest(
  { context, caller, filter }: Read,
  limit: number,
  { length, bytesMax }: LoadSize,
  after?: KeysetPosition,
): Promise<{ items: Item[]; isLast: boolean }> {
  const page = { sort: 'created_at', order: 'desc', limit, contentLength: length, bytesMax } as const;
  const listed = await listMemories(context.sql, caller.userId, filter, { ...page, ...(after && { after }) });
  return { items: listed.memories.map((memory) => toItem(context, memory, memory.is_cut)), isLast: listed.isLast };
}

async function* rankedPages({ context, caller }: Read, { hits, query }: HybridResult, size: LoadSize): Pages {
  const byId = new Map(hits.map((hit) => [hit.id, hit]));
  for (let at = 0; at < hits.length; ) {
    const requests = hits.slice(at, at + LOADED_AT_ONCE).map(({ id, passage }) => ({ id, near: passage?.start }));
    const memories = await findExcerpts(context.sql, caller.userId, requests, query.weightedTerms, size);
    const last = memories.at(-1);
    // A page that is full in bytes ends before the last of its memories; none is left where all were deleted meanwhile.
    at += last ? requests.findIndex(({ id }) => id === last.id) + 1 : requests.length;
    const items = memories.map((memory) => {
      const isCut = memory.excerpt_start > 0 || memory.is_cut_behind;
      return { ...toItem(context, memory, isCut), ...relevanceOf(memory, byId.get(memory.id) as Hit, query) };
    });
    yield { items, isLast: at >= hits.length };
  }
}

function toItem(context: RequestContext, memory: MemoryRow, isCut: boolean): Item {
  const hasExpired = memory.expires_at !== null && memory.expires_at <= context.now();
  return {
    memory,
    text: memory.content,
    cut: isCut,
    hasExpired,
    outdated: hasExpired || memory.superseded_by !== null,
  };
}

/** Adds the score, and a function that finds where the passage starts: of a long text it reads the block that matched. */
function relevanceOf(memory: ExcerptRow, hit: Hit, query: LexicalQuery): Pick<Item, 'score' | 'passageStart'> {
  const near = passageInContent(memory, hit);
  const block = memory.block_start === null ? near?.start : memory.block_start - memory.excerpt_start;
  const from = memory.content.length <= BLOCK_CHARACTERS ? 0 : Math.max(0, (block ?? 0) - BLOCK_CHARACTERS / 48);
  const part = () => memory.content.slice(from, from + BLOCK_CHARACTERS);
  const inPart = near && { start: near.start - from, end: near.end - from };
  return { score: hit.score, passageStart: () => from + findPassageStart(part(), query, inPart) };
}
