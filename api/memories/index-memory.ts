import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { indexTerms } from '../../db/queries/memories/terms.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-queue.ts';
import { deleteVectors } from '../../db/queries/search/vectors.ts';
import type { Caller, RequestContext } from '../context.ts';
import { canEmbed, type Embedders } from '../embeddings/embedder.ts';
import { countWords } from '../search/term-frequencies.ts';

/**
 * Makes a changed memory findable by what it says now: by its words at once, in this transaction; by its meaning once the queue has
 * come to it. Answers by how many words the tenant's memories grew.
 */
export async function reindex(
  context: RequestContext,
  caller: Caller,
  memory: Pick<MemoryRow, 'id' | 'title' | 'content' | 'tags' | 'occurred_at' | 'created_at'>,
  embedders: Embedders,
): Promise<number> {
  const grown = await indexTerms(context.sql, caller.userId, memory.id, countWords(memory));
  if (canEmbed(embedders)) await enqueueEmbedding(context.sql, caller.userId, memory.id);
  // Nobody would replace them.
  else await deleteVectors(context.sql, caller.userId, memory.id);
  return grown;
}
