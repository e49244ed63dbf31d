import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { indexTerms } from '../../db/queries/memories/terms.ts';
import { enqueueEmbedding } from '../../db/queries/search/embedding-enqueue.ts';
import { deleteVectors } from '../../db/queries/search/vectors.ts';
import type { Caller, RequestContext } from '../context.ts';
import { canEmbed, type EmbedderStates } from '../embeddings/embedder.ts';
import { countTerms } from '../search/term-frequencies.ts';

/**
 * Updates the search index of a changed memory: its terms in this transaction, its vectors through the embedding queue. Returns the
 * change of the tenant's total term count.
 */
export async function reindex(
  context: RequestContext,
  caller: Caller,
  memory: Pick<
    MemoryRow,
    'id' | 'title' | 'content' | 'tags' | 'occurred_at' | 'occurred_offset_minutes' | 'created_at'
  >,
  embedders: EmbedderStates,
): Promise<number> {
  const grown = await indexTerms(context.sql, caller.userId, memory.id, await countTerms(memory));
  if (canEmbed(embedders)) await enqueueEmbedding(context.sql, caller.userId, memory.id);
  // Without an encoder the outdated vectors would stay.
  else await deleteVectors(context.sql, caller.userId, memory.id);
  return grown;
}
