import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { dateTerms, tokenize } from './tokenizer.ts';

/** Counts the terms that a memory is found by: those of its title, content and tags, and of the day it is about. */
export function countTerms(
  memory: Pick<MemoryRow, 'title' | 'content' | 'tags' | 'occurred_at' | 'created_at'>,
): TermFrequencies {
  const counts = new Map<string, number>();
  const texts = [
    // Twice: the title says what the memory is about.
    memory.title,
    memory.title,
    memory.content,
    memory.tags.join('\n'),
    dateTerms(memory.occurred_at ?? memory.created_at),
  ];
  for (const text of texts) {
    for (const { term } of tokenize(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return { terms: [...counts.keys()], frequencies: [...counts.values()] };
}
