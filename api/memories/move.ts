import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { Problem } from '../errors.ts';
import { change } from './update.ts';

/**
 * Moves a memory to another project. That is no edit: the time of the last edit stays, by which recency ranks it. Where the project has
 * an active exact duplicate, the memory is archived there with a link to it, so that a move leaves nothing behind.
 * @param memory its present state, locked by this transaction
 * @returns the id of that duplicate
 * @throws Problem `storage_full`
 */
export async function moveMemory(
  context: RequestContext,
  caller: Caller,
  memory: MemoryRow,
  project: string | null,
  embedders: Embedders,
): Promise<string | undefined> {
  try {
    await change(context, caller, memory, { project }, embedders, memory.updated_at);
    return undefined;
  } catch (error) {
    // Nothing is written yet: the duplicate is looked for first.
    const duplicateOf = error instanceof Problem && error.code === 'duplicate_memory' && error.data.extra?.existing_id;
    if (typeof duplicateOf !== 'string') throw error;
    const archived = { project, status: 'archived', consolidated_into: duplicateOf } as const;
    await change(context, caller, memory, archived, embedders, memory.updated_at);
    return duplicateOf;
  }
}
