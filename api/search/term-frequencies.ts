import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { wallClock } from '../time.ts';
import { blockFinder, LONG_TEXT_MIN } from './long-texts.ts';
import { dateTerms, tokenize } from './tokenizer.ts';

/** Distinct terms of a memory; of a text with more, the first ones. Prose of a megabyte rarely has more. */
const TERMS_MAX = 20_000;
/** Terms that are read before other calls have their turn: a few milliseconds. */
const TERMS_PER_TURN = 2_000;

type DatedFields = 'occurred_at' | 'occurred_offset_minutes' | 'created_at';

/** Returns the day that a memory is about, as a time in UTC: the local day of the event, else the day of its creation. */
export function dayOf({ occurred_at, occurred_offset_minutes, created_at }: Pick<MemoryRow, DatedFields>): Date {
  return occurred_at ? wallClock(occurred_at, occurred_offset_minutes) : created_at;
}

/**
 * Counts the terms that a memory is found by: those of its title, content and tags, and of the day it is about. Of a long content, finds
 * the blocks that hold each term too. Yields to the event loop.
 */
export async function countTerms(
  memory: Pick<MemoryRow, 'title' | 'content' | 'tags' | DatedFields>,
): Promise<TermFrequencies> {
  const counts = new Map<string, number>();
  const add = (term: string) => {
    const count = counts.get(term);
    if (count !== undefined) counts.set(term, count + 1);
    else if (counts.size < TERMS_MAX) counts.set(term, 1);
  };
  // Twice: the title says what the memory is about.
  for (const text of [memory.title, memory.title, memory.tags.join('\n'), dateTerms(dayOf(memory))]) {
    for (const { term } of tokenize(text)) add(term);
  }
  const { content } = memory;
  const isLong = content.length >= LONG_TEXT_MIN;
  const bitAt = isLong ? blockFinder(content) : () => 0n;
  const blocks = new Map<string, bigint>();
  let read = 0;
  for (const { term, start } of tokenize(content)) {
    add(term);
    if (isLong) blocks.set(term, (blocks.get(term) ?? 0n) | bitAt(start));
    if (++read % TERMS_PER_TURN === 0) await nextTurn();
  }
  const terms = [...counts.keys()];
  return {
    terms,
    frequencies: [...counts.values()],
    blocks: isLong ? terms.map((term) => String(blocks.get(term) ?? 0n)) : [],
  };
}
