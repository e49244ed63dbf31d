import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { dateWords, wordsOf } from './tokenizer.ts';

/** The words a memory is looked up by: its title, content, tags, and the day it tells of. */
export function countWords(
  memory: Pick<MemoryRow, 'title' | 'content' | 'tags' | 'occurred_at' | 'created_at'>,
): TermFrequencies {
  const counts = new Map<string, number>();
  const texts = [
    // Twice: it is what the memory is about.
    memory.title,
    memory.title,
    memory.content,
    memory.tags.join('\n'),
    dateWords(memory.occurred_at ?? memory.created_at),
  ];
  for (const text of texts) {
    for (const { word } of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return { terms: [...counts.keys()], frequencies: [...counts.values()] };
}
