import type { Database } from '../../db/client/database.ts';
import {
  type EmbeddingFailure,
  type QueuedMemory,
  recordFailedAttempt,
  releaseQueued,
  renewLeases,
} from '../../db/queries/search/embedding-queue.ts';
import type { Logger } from '../observability/log.ts';
import { type Chunk, type Embedder, EmbeddingFailed, embedDocuments } from './embedder.ts';
import { storePart } from './store-part.ts';

/** Dependencies of {@link embedParts}. */
export interface Indexing {
  database: Database;
  embedder: Embedder;
  log: Logger;
  /** Reports a memory that is not embedded, after its last attempt. */
  onFailure(reason: EmbeddingFailure): void;
  /** Pauses after failed attempts to embed a memory, in milliseconds; one more attempt follows the last. */
  pausesMs?: readonly number[] | undefined;
}

/** A third of the lease's duration. */
const RENEW_EVERY_MS = 5_000;
/** Default pauses after the first, second and third failed attempt to embed a memory; the fourth is the last. */
const PAUSES_MS = [0, 2_000, 10_000];

/**
 * Embeds parts of memories that are leased and stores their vectors. When that fails and the embedder embeds another text, one of these is
 * the reason: each is then tried alone, and one that fails alone repeatedly is given up.
 * @returns the number of stored passages per tenant
 * @throws the error of an embedder or a database that is not available; no memory is blamed for it
 */
export async function embedParts(
  indexing: Indexing,
  queued: readonly QueuedMemory[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const { database, embedder } = indexing;
  const leaseRenewal = setInterval(() => {
    renewLeases(database.owner, queued).catch(() => undefined);
  }, RENEW_EVERY_MS).unref();
  const passages = new Map<string, number>();
  try {
    const parts = queued.map(({ text, is_continued, lead }) => ({ text, isContinued: is_continued, lead }));
    const once = queued.every(({ attempts }) => attempts > 0);
    const chunks = await embedDocuments(embedder, parts, { signal, once });
    for (const [index, memory] of queued.entries()) {
      const stored = await storeOrBlame(indexing, memory, chunks[index] ?? []);
      passages.set(memory.user_id, (passages.get(memory.user_id) ?? 0) + stored);
    }
  } catch (error) {
    const isAboutText =
      error instanceof EmbeddingFailed && !signal.aborted && (await embedsOtherText(embedder, signal));
    if (isAboutText) {
      await blame(indexing, queued, error.reason);
    } else {
      await releaseQueued(database.owner, queued).catch(() => undefined);
      throw error;
    }
  } finally {
    clearInterval(leaseRenewal);
  }
  return passages;
}

/** Returns whether the embedder embeds a text that no tenant wrote. Waits while it recovers. */
export function embedsOtherText(embedder: Embedder, signal: AbortSignal): Promise<boolean> {
  return embedder.embedDocuments(['one'], { signal }).then(
    () => true,
    () => false,
  );
}

/** Counts a failed attempt of memories that were embedded together; of a single one, the last attempt records its failure. */
export async function blame(
  { database, log, onFailure, pausesMs = PAUSES_MS }: Indexing,
  queued: readonly QueuedMemory[],
  reason: EmbeddingFailure,
): Promise<void> {
  const [memory] = queued;
  if (!memory) return;
  const attempts = queued.length === 1 ? memory.attempts + 1 : 1;
  const isLast = attempts > pausesMs.length;
  const pauseMs = pausesMs[attempts - 1] ?? 0;
  await recordFailedAttempt(database.owner, queued, { pauseMs, ...(isLast && { failure: reason }) });
  if (!isLast) return;
  const { user_id, memory_id } = memory;
  log.warn({ user_id, memory_id, reason }, 'a memory cannot be embedded: it is found by its words only');
  onFailure(reason);
}

/** Stores the vectors of a part. Returns their number; 0 when the database rejects them, which counts as a failed attempt. */
async function storeOrBlame(indexing: Indexing, memory: QueuedMemory, chunks: readonly Chunk[]): Promise<number> {
  try {
    await storePart(indexing.database, indexing.embedder.model, memory, chunks);
    return chunks.length;
  } catch (error) {
    if (!isAboutValues(error)) throw error;
    indexing.log.warn({ err: error, memory_id: memory.memory_id }, 'the vectors of a memory could not be stored');
    await blame(indexing, [memory], 'not_stored');
    return 0;
  }
}

/** Returns true for errors of PostgreSQL about values: data exceptions, constraint violations, exceeded program limits. */
function isAboutValues(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54)/.test(String(error.code));
}
