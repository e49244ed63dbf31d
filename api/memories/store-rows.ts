import { withSavepoint } from '../../db/client/sql.ts';
import { insertMemories } from '../../db/queries/memories/insert-memories.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import type { Caller, RequestContext } from '../context.ts';
import { canEmbed, type EmbedderStates } from '../embeddings/embedder.ts';
import { Problem } from '../errors.ts';
import { countTermsOf } from '../search/count-in-thread.ts';
import { recordMemoryEvent } from '../webhooks/events.ts';
import { requireStorage } from './storage-quota.ts';

/** Classes of PostgreSQL's errors that are about the values of one row. */
const ROW_ERRORS = ['22', '23'];

/**
 * Stores the rows of new memories together, in one statement. Returns the ids of those that it stored: not the exact duplicates, and
 * none at all when the storage does not suffice for all, or one of the rows cannot be stored. The caller stores the others one by one,
 * which reports what is wrong with each.
 * @param rows with new ids, no digests, and nothing that they supersede
 */
export async function storeRows(
  context: RequestContext,
  caller: Caller,
  rows: readonly NewMemoryRow[],
  embedders: EmbedderStates,
): Promise<Set<string>> {
  if (rows.length < 2) return new Set();
  const counts = await countTermsOf(caller.userId, rows);
  const memories = rows.map((row, index) => ({ row, terms: counts[index] as TermFrequencies }));
  try {
    return await withSavepoint(context.sql, async () => {
      const stored = await insertMemories(context.sql, caller.userId, memories, { enqueue: canEmbed(embedders) });
      const ids = new Set(stored.ids);
      const added = rows.filter(({ id }) => ids.has(id));
      const growth = added.reduce((sum, row) => sum + row.size_bytes, 0);
      requireStorage(caller, stored.storage_bytes ?? 0, growth);
      if (stored.has_webhooks) {
        for (const row of added) await recordMemoryEvent(context, caller, 'memory.created', row);
      }
      return ids;
    });
  } catch (error) {
    if (error instanceof Problem || isRowError(error)) return new Set();
    throw error;
  }
}

/** Returns true for an error of PostgreSQL that is about the values of one row. */
export function isRowError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ROW_ERRORS.includes(String(error.code).slice(0, 2));
}
