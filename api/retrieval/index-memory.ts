import { enqueueEmbedding } from '../../db/embedding-queue.ts';
import { indexWords } from '../../db/lexical.ts';
import type { MemoryRow } from '../../db/memories.ts';
import type { Caller, Deps } from '../domain.ts';
import { countWords } from './word-counts.ts';

/**
 * Makes a stored memory findable: by its words at once, in this transaction; by its meaning once the queue has come to it.
 * Answers by how many words the tenant's memories grew.
 */
export async function index(
  deps: Deps,
  caller: Caller,
  memory: Pick<MemoryRow, 'id' | 'title' | 'content' | 'tags' | 'occurred_at' | 'created_at'>,
): Promise<number> {
  const grown = await indexWords(deps.sql, caller.userId, memory.id, countWords(memory));
  if (deps.embedder && deps.embedder.state !== 'off') await enqueueEmbedding(deps.sql, caller.userId, memory.id);
  return grown;
}
