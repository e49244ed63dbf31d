import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { keepClustersStatement } from '../../db/queries/search/clusters.ts';
import {
  advanceQueued,
  completeQueued,
  lockAgainstChangeStatement,
  type QueuedMemory,
} from '../../db/queries/search/embedding-queue.ts';
import { enqueueFollowersOfNew } from '../../db/queries/search/session-leads.ts';
import { insertVectors, replaceVectors } from '../../db/queries/search/vectors.ts';
import type { Chunk } from './embedder.ts';

/** Most passages of a memory that are embedded, about 56,000 tokens; the rest of its text is found by words. */
export const PASSAGES_MAX = 512;

/**
 * Stores the vectors of a part of a memory, and moves the memory to its next part in the queue or removes it, unless it was changed or
 * deleted since it was leased. Locks in the order of docs/architecture.md: the tenant's clusters, the memory, its queue entry, its vectors.
 */
export async function storePart(
  database: Database,
  model: string,
  memory: QueuedMemory,
  chunks: readonly Chunk[],
): Promise<void> {
  const kept = chunks.slice(0, PASSAGES_MAX - memory.passages);
  const passages = memory.passages + kept.length;
  const next =
    memory.is_continued && passages < PASSAGES_MAX ? { ...positionAfter(memory, kept), passages } : undefined;
  const rows = kept.map(({ start, end, vector, tokens }, index) => ({
    chunk: memory.passages + index,
    start: memory.next_character + start,
    end: memory.next_character + end,
    vector,
    tokens,
  }));
  // Ahead of its vectors, so that a killed node repeats it.
  if (memory.in_session && memory.passages === 0) {
    await enqueueFollowersOfNew(database.owner, memory.user_id, memory.memory_id);
  }
  const before = [keepClustersStatement({ userId: memory.user_id, model }), lockAgainstChangeStatement(memory)];
  const work = async (sql: Sql) => {
    const isCurrent = next ? await advanceQueued(sql, memory, next) : await completeQueued(sql, memory);
    if (!isCurrent) return;
    const write = memory.passages === 0 ? replaceVectors : insertVectors;
    await write(sql, memory.user_id, memory.memory_id, model, rows);
  };
  return database.ownerWrite(work, { before });
}

/** Returns where the text after the last passage starts. A part without passages is done as a whole. */
function positionAfter(memory: QueuedMemory, chunks: readonly Chunk[]) {
  const end = chunks.at(-1)?.end ?? memory.text.length;
  return {
    next_character: memory.next_character + end,
    next_code_point: memory.next_code_point + Array.from(memory.text.slice(0, end)).length,
  };
}
