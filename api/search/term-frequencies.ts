import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { wallClock } from '../time.ts';
import { dateTerms, tokenize } from './tokenizer.ts';

type DatedFields = 'occurred_at' | 'occurred_offset_minutes' | 'created_at';

/** Returns the day that a memory is about, as a time in UTC: the local day of the event, else the day of its creation. */
export function dayOf({ occurred_at, occurred_offset_minutes, created_at }: Pick<MemoryRow, DatedFields>): Date {
  return occurred_at ? wallClock(occurred_at, occurred_offset_minutes) : created_at;
}

/** Counts the terms that a memory is found by: those of its title, content and tags, and of the day it is about. */
export function countTerms(memory: Pick<MemoryRow, 'title' | 'content' | 'tags' | DatedFields>): TermFrequencies {
  const counts = new Map<string, number>();
  const texts = [
    // Twice: the title says what the memory is about.
    memory.title,
    memory.title,
    memory.content,
    memory.tags.join('\n'),
    dateTerms(dayOf(memory)),
  ];
  for (const text of texts) {
    for (const { term } of tokenize(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return { terms: [...counts.keys()], frequencies: [...counts.values()] };
}
