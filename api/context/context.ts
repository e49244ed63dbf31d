import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import { listMemories } from '../../db/queries/memories/lists.ts';
import { findMemories, type MemoryRow } from '../../db/queries/memories/memories.ts';
import type { Caller, RequestContext } from '../context.ts';
import { type FilterInput, toFilter } from '../listing/filter.ts';
import { type Finding, type Found, find, passageIn } from '../search/hybrid-search.ts';
import { whyNothing } from '../search/search.ts';
import { passageStart } from '../search/snippet.ts';
import { countTokens, TOKENIZER } from '../tokens/count.ts';
import { type Item, pack } from './fit-to-budget.ts';

type Cap = { words: number } | { characters: number };
interface TierPart {
  most: number;
  cap: Cap;
}
type Tier = 0 | 1 | 2;

/** What each tier takes of short-term and long-term memories. */
export const TIERS: Record<Tier, { short: TierPart; long: TierPart }> = {
  0: { short: { most: 2, cap: { words: 80 } }, long: { most: 0, cap: { words: 80 } } },
  1: { short: { most: 5, cap: { characters: 1_200 } }, long: { most: 2, cap: { words: 80 } } },
  2: { short: { most: 10, cap: { characters: 2_000 } }, long: { most: 5, cap: { characters: 2_000 } } },
};

/** How many candidates a package chooses from when the budget alone decides. */
const CANDIDATES = 100;
const DEFAULT_TIER: Tier = 1;

/**
 * A Markdown package of active, unexpired memories, the most relevant to `query` first, or the newest, within
 * `max_tokens`. The count in the answer is that of the very text.
 */
export async function context(
  context: RequestContext,
  caller: Caller,
  input: FilterInput & { query?: string | undefined; tier?: Tier | undefined; max_tokens?: number | undefined },
) {
  const filter = { ...toFilter(caller, { ...input, status: 'active' }), validAt: context.now() };
  const tier = input.tier ?? (input.max_tokens === undefined ? DEFAULT_TIER : undefined);
  const found =
    tier === undefined
      ? await candidates(context, caller, filter, input.query, CANDIDATES)
      : await tierCandidates(context, caller, filter, input.query, TIERS[tier]);
  const chosen = tier === undefined ? found.slice(0, CANDIDATES) : byTier(found, tier);
  const heading = `## Context Package${tier === undefined ? '' : ` (Tier ${tier})`}`;
  const reason = found.length === 0 ? await whyNothing(context.sql, caller) : undefined;
  const answer = (items: Item[]) => {
    const text = render(heading, items);
    return {
      context: text,
      tokens: countTokens(text),
      tokenizer: TOKENIZER as 'o200k_base',
      memory_ids: items.map(({ memory }) => memory.id),
      truncated: items.length < found.length || items.some(({ cut }) => cut),
      ...(reason && { reason }),
    };
  };
  if (input.max_tokens === undefined) return answer(chosen);
  const weigh = (items: Item[]) => {
    const package_ = answer(items);
    return context.weigh?.(package_) ?? package_.tokens;
  };
  return answer(pack(chosen, input.max_tokens, weigh));
}

/** The best or newest memories of a filter, at most `most`, and one more when there are more. */
async function candidates(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  query: string | undefined,
  most: number,
): Promise<Item[]> {
  if (query === undefined) {
    const page = { sort: 'created_at', order: 'desc', limit: most + 1 } as const;
    const newest = await listMemories(context.sql, caller.userId, filter, page);
    return newest.map((memory) => ({ memory, text: memory.content, cut: false }));
  }
  const finding = await find(context, caller, filter, query);
  const best = finding.ranked.slice(0, most + 1);
  const ids = best.map(({ id }) => id);
  const byId = new Map((await findMemories(context.sql, caller.userId, ids)).map((memory) => [memory.id, memory]));
  return best.flatMap((found) => {
    const memory = byId.get(found.id);
    return memory ? [itemOf(memory, found, finding)] : [];
  });
}

function itemOf(memory: MemoryRow, found: Found, { query }: Finding): Item {
  const near = passageIn(memory, found);
  const start = () => passageStart(memory.content, query, near);
  return { memory, text: memory.content, cut: false, score: found.score, passageStart: start };
}

/** What a tier chooses from: each type for itself, so that many of the one do not crowd out the other. */
async function tierCandidates(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  query: string | undefined,
  { short, long }: (typeof TIERS)[Tier],
): Promise<Item[]> {
  const parts = await Promise.all([
    candidates(context, caller, { ...filter, type: 'short_term' }, query, short.most),
    candidates(context, caller, { ...filter, type: 'long_term' }, query, long.most),
  ]);
  return parts.flat();
}

function byTier(items: Item[], tier: Tier): Item[] {
  const { short, long } = TIERS[tier];
  const take = (type: MemoryRow['type'], part: TierPart) =>
    items
      .filter(({ memory }) => memory.type === type)
      .slice(0, part.most)
      .map(({ memory, score }): Item => {
        const text = capped(memory.content, part.cap);
        return { memory, text, cut: text.length < memory.content.length, score };
      });
  return [...take('short_term', short), ...take('long_term', long)];
}

function capped(content: string, cap: Cap): string {
  if ('words' in cap) return new RegExp(`^\\s*(?:\\S+\\s+){0,${cap.words - 1}}\\S+`, 'u').exec(content)?.[0] ?? content;
  if (content.length <= cap.characters) return content;
  return [...content.slice(0, 2 * cap.characters)].slice(0, cap.characters).join('');
}

function render(heading: string, items: Item[]): string {
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
