import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Item } from './item.ts';

export const MEMORY_TYPES = ['short_term', 'long_term'] as const;

type Cap = { words: number } | { characters: number };
interface Quota {
  /** Most memories of the type. */
  items: number;
  /** Length of each. */
  cap: Cap;
}
export type Tier = 0 | 1 | 2;
export type TierQuotas = Record<MemoryRow['type'], Quota>;

/** The number of memories of each type that a tier includes, and their length. */
export const TIERS: Record<Tier, TierQuotas> = {
  0: { short_term: { items: 2, cap: { words: 80 } }, long_term: { items: 0, cap: { words: 80 } } },
  1: { short_term: { items: 5, cap: { characters: 1_200 } }, long_term: { items: 2, cap: { words: 80 } } },
  2: { short_term: { items: 10, cap: { characters: 2_000 } }, long_term: { items: 5, cap: { characters: 2_000 } } },
};

/** Limits each type to its quota, and each text to the cap of its type. */
export function applyCaps(items: readonly Item[], tier: TierQuotas): Item[] {
  return MEMORY_TYPES.flatMap((type) =>
    items
      .filter(({ memory }) => memory.type === type)
      .slice(0, tier[type].items)
      .map(({ passageStart: _, ...item }): Item => {
        const text = capped(item.text, tier[type].cap);
        return { ...item, text, cut: text.length < item.text.length };
      }),
  );
}

function capped(content: string, cap: Cap): string {
  if ('words' in cap) return new RegExp(`^\\s*(?:\\S+\\s+){0,${cap.words - 1}}\\S+`, 'u').exec(content)?.[0] ?? content;
  if (content.length <= cap.characters) return content;
  return [...content.slice(0, 2 * cap.characters)].slice(0, cap.characters).join('');
}
