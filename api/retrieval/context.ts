import { findMemories, type MemoryRow } from '../../db/memories.ts';
import type { MemoryFilter } from '../../db/memory-filters.ts';
import { listMemories } from '../../db/memory-lists.ts';
import { parseQuery } from '../../db/search.ts';
import type { Caller, Deps } from '../domain.ts';
import { type FilterInput, toFilter } from '../memory/filter.ts';
import { rank, whyNothing } from './search.ts';
import { countTokens, cutToTokens, TOKENIZER } from './tokens.ts';

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

interface Item {
  memory: MemoryRow;
  text: string;
  cut: boolean;
}

/**
 * A Markdown package of active, unexpired memories, the most relevant to `query` first, or the newest, within
 * `max_tokens`. The count in the answer is that of the very text.
 */
export async function context(
  deps: Deps,
  caller: Caller,
  input: FilterInput & { query?: string | undefined; tier?: Tier | undefined; max_tokens?: number | undefined },
) {
  const filter = toFilter(caller, { ...input, status: 'active' });
  const tier = input.tier ?? (input.max_tokens === undefined ? DEFAULT_TIER : undefined);
  const found = await candidates(deps, caller, filter, input.query);
  const chosen =
    tier === undefined ? found.map((memory) => ({ memory, text: memory.content, cut: false })) : byTier(found, tier);
  const heading = `## Context Package${tier === undefined ? '' : ` (Tier ${tier})`}`;
  const packed = pack(heading, chosen, input.max_tokens ?? Number.POSITIVE_INFINITY);
  return {
    context: packed.text,
    tokens: countTokens(packed.text),
    tokenizer: TOKENIZER as 'o200k_base',
    memory_ids: packed.items.map(({ memory }) => memory.id),
    truncated: packed.items.length < found.length || packed.items.some(({ cut }) => cut),
    ...(found.length === 0 && { reason: await whyNothing(deps.sql, caller) }),
  };
}

async function candidates(deps: Deps, caller: Caller, filter: MemoryFilter, query?: string): Promise<MemoryRow[]> {
  const now = deps.now();
  const holds = (memory: MemoryRow) => !memory.expires_at || memory.expires_at > now;
  if (query === undefined) {
    const page = { sort: 'created_at', order: 'desc', limit: CANDIDATES } as const;
    return (await listMemories(deps.sql, caller.userId, filter, page)).filter(holds);
  }
  const words = await parseQuery(deps.sql, query);
  const ids = await rank(deps.sql, caller, filter, words, CANDIDATES);
  const byId = new Map((await findMemories(deps.sql, caller.userId, ids)).map((memory) => [memory.id, memory]));
  return ids.flatMap((id) => byId.get(id) ?? []).filter(holds);
}

function byTier(memories: MemoryRow[], tier: Tier): Item[] {
  const { short, long } = TIERS[tier];
  const take = (type: MemoryRow['type'], part: TierPart) =>
    memories
      .filter((memory) => memory.type === type)
      .slice(0, part.most)
      .map((memory) => {
        const text = capped(memory.content, part.cap);
        return { memory, text, cut: text.length < memory.content.length };
      });
  return [...take('short_term', short), ...take('long_term', long)];
}

function capped(content: string, cap: Cap): string {
  if ('words' in cap) return new RegExp(`^\\s*(?:\\S+\\s+){0,${cap.words - 1}}\\S+`, 'u').exec(content)?.[0] ?? content;
  if (content.length <= cap.characters) return content;
  return [...content.slice(0, 2 * cap.characters)].slice(0, cap.characters).join('');
}

/** Adds items while they fit; the first that does not is cut to what is left, and the ones behind it are left out. */
function pack(heading: string, items: Item[], budget: number): { text: string; items: Item[] } {
  const taken: Item[] = [];
  let left = budget - countTokens(render(heading, [])) - SECTION_TOKENS;
  for (const item of items) {
    const cost = countTokens(`\n\n${renderItem(item)}`);
    if (cost > left) break;
    left -= cost;
    taken.push(item);
  }
  // The sum of the parts is close to the whole, not equal to it: the whole decides.
  while (taken.length > 0 && countTokens(render(heading, taken)) > budget) taken.pop();
  const next = items[taken.length];
  const cut = next && cutToFit(heading, taken, next, budget);
  if (cut) taken.push(cut);
  return { text: render(heading, taken), items: taken };
}

/** Tokens of the two section headings. */
const SECTION_TOKENS = 16;
/** A passage of fewer tokens than this tells nobody anything. */
const PASSAGE_MIN = 20;

function cutToFit(heading: string, taken: Item[], item: Item, budget: number): Item | undefined {
  const bare = countTokens(render(heading, [...taken, { ...item, text: '' }]));
  for (let room = budget - bare; room >= PASSAGE_MIN; room = Math.floor(room * 0.9) - 1) {
    const cut = { ...item, text: cutToTokens(item.text, room), cut: true };
    // Indenting costs tokens that the cut does not know of.
    if (countTokens(render(heading, [...taken, cut])) <= budget) return cut;
  }
  return undefined;
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
