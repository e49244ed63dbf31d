import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { listMemories } from '../../db/queries/memories/lists.ts';
import { findMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { type HybridResult, hybridSearch } from '../search/hybrid-search.ts';
import { type Hit, passageInContent } from '../search/score-candidates.ts';
import { emptyReason } from '../search/search.ts';
import { findPassageStart } from '../search/snippet.ts';
import { countTokens, TOKENIZER } from '../tokens/count.ts';
import type { Item } from './fit-to-budget.ts';

const MEMORY_TYPES = ['short_term', 'long_term'] as const;

type Cap = { words: number } | { characters: number };
interface Quota {
  /** Most memories of the type. */
  items: number;
  /** Length of each. */
  cap: Cap;
}
type Tier = 0 | 1 | 2;

/** How many memories of each type a tier includes. */
export const TIERS: Record<Tier, Record<MemoryRow['type'], Quota>> = {
  0: { short_term: { items: 2, cap: { words: 80 } }, long_term: { items: 0, cap: { words: 80 } } },
  1: { short_term: { items: 5, cap: { characters: 1_200 } }, long_term: { items: 2, cap: { words: 80 } } },
  2: { short_term: { items: 10, cap: { characters: 2_000 } }, long_term: { items: 5, cap: { characters: 2_000 } } },
};

/** Candidates to select from when the budget alone decides. */
const CANDIDATES = 100;
const DEFAULT_TIER: Tier = 1;
/** Ranked memories that are loaded in one query. */
const LOADED_AT_ONCE = 40;
/** A search that ranks fewer memories than this ranked all that match. */
const SEARCH_COMPLETE_BELOW = 100;

/**
 * Creates a Markdown package of active, unexpired memories: the most relevant to `query`, or the newest. Returns it in full:
 * the pipeline fits it to `max_tokens`. `tokens` are those of the text itself.
 */
export async function context(
  context: RequestContext,
  caller: Caller,
  input: FilterInput & { query?: string | undefined; tier?: Tier | undefined; max_tokens?: number | undefined },
  embedders: Embedders,
) {
  const filter = toFilter(context, caller, { ...input, status: 'active' });
  const tier = input.tier ?? (input.max_tokens === undefined ? DEFAULT_TIER : undefined);
  const found =
    tier === undefined
      ? await candidates(context, caller, embedders, filter, input.query)
      : await tierCandidates(context, caller, embedders, filter, input.query, TIERS[tier]);
  const items = tier === undefined ? found.slice(0, CANDIDATES) : applyCaps(found, TIERS[tier]);
  const heading = `## Context Package${tier === undefined ? '' : ` (Tier ${tier})`}`;
  const reason = found.length === 0 ? await emptyReason(context.sql, caller) : undefined;
  const toResponse = (packed: readonly Item[]) => {
    const text = render(heading, packed);
    return {
      context: text,
      tokens: countTokens(text),
      tokenizer: TOKENIZER as 'o200k_base',
      memory_ids: packed.map(({ memory }) => memory.id),
      truncated: packed.length < found.length || packed.some(({ cut }) => cut),
      ...(reason && { reason }),
    };
  };
  return { items, toResponse };
}

/** A context package in full: its items, and the response with the first of them. */
export type PackedContext = Awaited<ReturnType<typeof context>>;

/** Returns the best or newest memories of a filter: {@link CANDIDATES}, and one more where there are more. */
async function candidates(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  query: string | undefined,
): Promise<Item[]> {
  if (query === undefined) return newest(context, caller, filter, CANDIDATES + 1);
  return load(context, caller, (await ranking(context, caller, embedders, filter, query)).slice(0, CANDIDATES + 1));
}

async function newest(context: RequestContext, caller: Caller, filter: MemoryFilter, limit: number): Promise<Item[]> {
  const memories = await listMemories(context.sql, caller.userId, filter, { sort: 'created_at', order: 'desc', limit });
  return memories.map((memory) => ({ memory, text: memory.content, cut: false }));
}

/** A ranked memory that is not loaded yet. */
interface Ranked {
  found: Hit;
  finding: HybridResult;
}

async function ranking(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  query: string,
): Promise<Ranked[]> {
  const finding = await hybridSearch(context, caller, embedders, filter, query);
  return finding.hits.map((found) => ({ found, finding }));
}

async function load(context: RequestContext, caller: Caller, ranked: readonly Ranked[]): Promise<Item[]> {
  const ids = ranked.map(({ found }) => found.id);
  const byId = new Map((await findMemories(context.sql, caller.userId, ids)).map((memory) => [memory.id, memory]));
  return ranked.flatMap(({ found, finding }) => {
    const memory = byId.get(found.id);
    return memory ? [itemOf(memory, found, finding)] : [];
  });
}

/** Returns the candidates of a tier, short-term memories first: of each type its quota, and one more where there are more. */
async function tierCandidates(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  filter: MemoryFilter,
  query: string | undefined,
  tier: (typeof TIERS)[Tier],
): Promise<Item[]> {
  const types = MEMORY_TYPES.filter((type) => tier[type].items > 0);
  const wanted = (type: MemoryRow['type']) => tier[type].items + 1;
  if (query === undefined) {
    const lists = types.map((type) => newest(context, caller, { ...filter, type }, wanted(type)));
    return (await Promise.all(lists)).flat();
  }
  const search = async (type: MemoryRow['type']) => {
    const ranked = await ranking(context, caller, embedders, { ...filter, type }, query);
    return load(context, caller, ranked.slice(0, wanted(type)));
  };
  if (types.length === 1) return search(types[0] as MemoryRow['type']);
  const ranked = await ranking(context, caller, embedders, filter, query);
  const found = new Map(types.map((type) => [type, [] as Item[]]));
  const isMissing = (type: MemoryRow['type']) => (found.get(type)?.length ?? 0) < wanted(type);
  for (let at = 0; at < ranked.length && types.some(isMissing); at += LOADED_AT_ONCE) {
    for (const item of await load(context, caller, ranked.slice(at, at + LOADED_AT_ONCE))) {
      if (isMissing(item.memory.type)) found.get(item.memory.type)?.push(item);
    }
  }
  const isComplete = ranked.length < SEARCH_COMPLETE_BELOW;
  // Where memories of one type fill the ranking, the other is searched for itself.
  const parts = types.map((type) => {
    const part = found.get(type) ?? [];
    return isComplete || part.length >= tier[type].items ? part : search(type);
  });
  return (await Promise.all(parts)).flat();
}

function itemOf(memory: MemoryRow, found: Hit, { query }: HybridResult): Item {
  const near = passageInContent(memory, found);
  const start = () => findPassageStart(memory.content, query, near);
  return { memory, text: memory.content, cut: false, score: found.score, passageStart: start };
}

/** Limits each type to its quota, and each text to the cap of its type. */
function applyCaps(items: readonly Item[], tier: (typeof TIERS)[Tier]): Item[] {
  return MEMORY_TYPES.flatMap((type) =>
    items
      .filter(({ memory }) => memory.type === type)
      .slice(0, tier[type].items)
      .map(({ memory, score }): Item => {
        const text = capped(memory.content, tier[type].cap);
        return { memory, text, cut: text.length < memory.content.length, score };
      }),
  );
}

function capped(content: string, cap: Cap): string {
  if ('words' in cap) return new RegExp(`^\\s*(?:\\S+\\s+){0,${cap.words - 1}}\\S+`, 'u').exec(content)?.[0] ?? content;
  if (content.length <= cap.characters) return content;
  return [...content.slice(0, 2 * cap.characters)].slice(0, cap.characters).join('');
}

function render(heading: string, items: readonly Item[]): string {
  const section = (title: string, type: MemoryRow['type']) => {
    const lines = items.filter(({ memory }) => memory.type === type).map(renderItem);
    return lines.length > 0 ? [`### ${title}\n\n${lines.join('\n\n')}`] : [];
  };
  return [
    heading,
    ...section('Short-Term Memories', 'short_term'),
    ...section('Long-Term Knowledge', 'long_term'),
  ].join('\n\n');
}

function renderItem({ memory, text }: Item): string {
  const created = memory.created_at.toISOString().replace(/\.\d{3}Z$/, 'Z');
  const title = memory.title.replace(/\s+/gu, ' ');
  const head = `- **${title}** (created: ${created}, tags: ${memory.tags.join(', ') || 'none'})`;
  const body = text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
  return body === '' ? head : `${head}\n${body}`;
}
