import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { updateIndexedMemory } from '../../db/queries/memories/update-memory.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-enqueue.ts';
import { deleteVectors } from '../../db/queries/search/vectors.ts';
import type { Caller, RequestContext } from '../context.ts';
import { canEmbed, type EmbedderStates } from '../embeddings/embedder.ts';
import { countTermsOf } from '../search/count-in-thread.ts';

/**
 * Updates a memory and its search index: its row and terms in one statement, its vectors through the embedding queue. Returns the
 * change of the tenant's total term count.
 */
export async function updateIndexed(
  context: RequestContext,
  caller: Caller,
  memory: NewMemoryRow,
  embedders: EmbedderStates,
): Promise<number> {
  const [counts] = await countTermsOf(caller.userId, [memory]);
  const grown = await updateIndexedMemory(context.sql, caller.userId, memory, counts as TermFrequencies);
  if (canEmbed(embedders)) await enqueueEmbedding(context.sql, caller.userId, memory.id);
  // Without an encoder the outdated vectors would stay.
  else await deleteVectors(context.sql, caller.userId, memory.id);
  return grown;
}
