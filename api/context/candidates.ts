import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { type KeysetPosition, listMemories } from '../../db/queries/memories/lists.ts';
import { findMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type HybridResult, hybridSearch } from '../search/hybrid-search.ts';
import { parseDates } from '../search/query-dates.ts';
import { type Hit, passageInContent } from '../search/score-candidates.ts';
import { findPassageStart } from '../search/snippet.ts';
import { CHARACTERS_PER_TOKEN } from './fit-to-budget.ts';
import type { Item } from './item.ts';
import { MEMORY_TYPES, type TierQuotas } from './tiers.ts';

/** Most memories of a package. */
const MEMORIES_MAX = 1_000;
/** Fewest tokens that a memory takes in a package: so many candidates fill any budget. */
const TOKENS_PER_MEMORY = 20;
/** Candidates that a search ranks at any budget, and for a tier with both types. */
const CANDIDATES_MIN = 100;
const TIER_CANDIDATES = 300;
/** Memories that are loaded in one query. */
const LOADED_AT_ONCE = 100;

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

/** Memories in the order of a package, a part at a time. */
type Pages = AsyncGenerator<{ items: Item[]; isLast: boolean }>;

/** Finds the best or newest memories: as many as the budget may hold, at most {@link MEMORIES_MAX}. */
export async function findForBudget(read: Read, budget: number): Promise<Candidates> {
  const most = Math.min(MEMORIES_MAX, Math.max(CANDIDATES_MIN, Math.ceil(budget / TOKENS_PER_MEMORY)));
  const { pages, hasMore, pending } = await openPages(read, most);
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
    const lists = types.map((type) => newest({ ...read, filter: { ...read.filter, type } }, wanted(type)));
    return { items: (await Promise.all(lists)).flat(), hasMore: false, pending: false };
  }
  const filter = types.length === 1 && only ? { ...read.filter, type: only } : read.filter;
  const { pages, hasMore, pending } = await openPages(
    { ...read, filter },
    types.length === 1 ? CANDIDATES_MIN : TIER_CANDIDATES,
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
async function openPages(read: Read, candidates: number): Promise<{ pages: Pages } & Omit<Candidates, 'items'>> {
  if (read.query === undefined) return { pages: newestPages(read), hasMore: false, pending: false };
  const { context, caller, embedders, filter, timezone } = read;
  const dates = parseDates(read.query, context.now(), timezone);
  const query = { text: read.query, dates, candidates };
  const result = await hybridSearch(context, caller, embedders, filter, query);
  return { pages: rankedPages(read, result), hasMore: result.hasMore, pending: result.pending };
}

async function* newestPages(read: Read): Pages {
  for (let after: KeysetPosition | undefined; ; ) {
    const items = await newest(read, LOADED_AT_ONCE + 1, after);
    const page = items.slice(0, LOADED_AT_ONCE);
    yield { items: page, isLast: items.length <= LOADED_AT_ONCE };
    const last = page.at(-1);
    if (items.length <= LOADED_AT_ONCE || !last) return;
    after = { value: last.memory.created_at.toISOString(), id: last.memory.id };
  }
}

async function newest({ context, caller, filter }: Read, limit: number, after?: KeysetPosition): Promise<Item[]> {
  const page = { sort: 'created_at', order: 'desc', limit, ...(after && { after }) } as const;
  const memories = await listMemories(context.sql, caller.userId, filter, page);
  return memories.map((memory) => toItem(context, memory));
}

async function* rankedPages({ context, caller }: Read, result: HybridResult): Pages {
  const { hits } = result;
  for (let at = 0; at < hits.length; at += LOADED_AT_ONCE) {
    const part = hits.slice(at, at + LOADED_AT_ONCE);
    const ids = part.map(({ id }) => id);
    const byId = new Map((await findMemories(context.sql, caller.userId, ids)).map((memory) => [memory.id, memory]));
    const items = part.flatMap((hit) => {
      const memory = byId.get(hit.id);
      return memory ? [{ ...toItem(context, memory), ...relevanceOf(memory, hit, result) }] : [];
    });
    yield { items, isLast: at + LOADED_AT_ONCE >= hits.length };
  }
}

function toItem(context: RequestContext, memory: MemoryRow): Item {
  const hasExpired = memory.expires_at !== null && memory.expires_at <= context.now();
  return {
    memory,
    text: memory.content,
    cut: false,
    hasExpired,
    outdated: hasExpired || memory.superseded_by !== null,
  };
}

function relevanceOf(memory: MemoryRow, hit: Hit, { query }: HybridResult): Pick<Item, 'score' | 'passageStart'> {
  const near = passageInContent(memory, hit);
  return { score: hit.score, passageStart: () => findPassageStart(memory.content, query, near) };
}
