import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { wallClock } from '../time.ts';
import { blockFinder, LONG_TEXT_MIN } from './long-texts.ts';
import { dateTerms, tokenize } from './tokenizer.ts';

/** Distinct terms of a memory; of a text with more, the first ones. Prose of a megabyte rarely has more. */
const TERMS_MAX = 20_000;
/** Distinct terms of a content that are counted, so that those of the title are found in it wherever they are. */
const CONTENT_TERMS_MAX = 100_000;
/** Terms that are read before other calls have their turn: a few milliseconds. */
const TERMS_PER_TURN = 2_000;

type DatedFields = 'occurred_at' | 'occurred_offset_minutes' | 'created_at';

/** A memory, as far as it is found by terms. */
export type SearchedMemory = Pick<MemoryRow, 'title' | 'content' | 'tags' | DatedFields>;

/** The distinct terms of a content in their order, at most {@link CONTENT_TERMS_MAX}; of a long one, also the blocks that hold each. */
export type ContentTerms = TermFrequencies;

/** Returns the day that a memory is about, as a time in UTC: the local day of the event, else the day of its creation. */
export function dayOf({ occurred_at, occurred_offset_minutes, created_at }: Pick<MemoryRow, DatedFields>): Date {
  return occurred_at ? wallClock(occurred_at, occurred_offset_minutes) : created_at;
}

/** Counts the terms that a memory is found by, as {@link countContent} and {@link addOwnTerms} do together. */
export async function countTerms(memory: SearchedMemory): Promise<TermFrequencies> {
  return addOwnTerms(memory, await countContent(memory.content));
}

/** Counts the terms of a content. Of a long one, finds the blocks that hold each term too. Yields to the event loop. */
export async function countContent(content: string): Promise<ContentTerms> {
  const counts = new Map<string, number>();
  const isLong = content.length >= LONG_TEXT_MIN;
  const bitAt = isLong ? blockFinder(content) : () => 0n;
  const blocks = new Map<string, bigint>();
  let read = 0;
  for (const { term, start } of tokenize(content)) {
    const count = counts.get(term);
    if (count !== undefined || counts.size < CONTENT_TERMS_MAX) {
      counts.set(term, (count ?? 0) + 1);
      if (isLong) blocks.set(term, (blocks.get(term) ?? 0n) | bitAt(start));
    }
    if (++read % TERMS_PER_TURN === 0) await nextTurn();
  }
  return { terms: [...counts.keys()], frequencies: [...counts.values()], blocks: Array.from(blocks.values(), String) };
}

/** Adds the terms of the title, of the tags, and of the day that a memory is about to those of its content: at most {@link TERMS_MAX} in all. */
export function addOwnTerms(memory: SearchedMemory, { terms, frequencies, blocks }: ContentTerms): TermFrequencies {
  const own = new Map<string, number>();
  // Twice: the title says what the memory is about.
  for (const text of [memory.title, memory.title, memory.tags.join('\n'), dateTerms(dayOf(memory))]) {
    for (const { term } of tokenize(text)) own.set(term, (own.get(term) ?? 0) + 1);
  }
  const places = new Map(terms.flatMap((term, place) => (own.has(term) ? [[term, place] as const] : [])));
  const inContent = <Value>(values: readonly Value[], term: string) => values[places.get(term) ?? -1];
  const ownTerms = [...own.keys()];
  const others = [...terms.keys()].filter((place) => !own.has(terms[place] as string)).slice(0, TERMS_MAX - own.size);
  const ofOthers = <Value>(values: readonly Value[]) => others.map((place) => values[place] as Value);
  const isLong = memory.content.length >= LONG_TEXT_MIN;
  return {
    terms: [...ownTerms, ...ofOthers(terms)],
    frequencies: [
      ...ownTerms.map((term) => (own.get(term) ?? 0) + (inContent(frequencies, term) ?? 0)),
      ...ofOthers(frequencies),
    ],
    blocks: isLong ? [...ownTerms.map((term) => inContent(blocks, term) ?? '0'), ...ofOthers(blocks)] : [],
  };
}
