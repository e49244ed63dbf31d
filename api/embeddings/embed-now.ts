import { setTimeout as delay } from 'node:timers/promises';
import type { QueuedMemory } from '../../db/queries/search/embedding-queue.ts';
import { blame, type Indexing } from './embed-parts.ts';
import { type Embedders, EmbeddingFailed, embedDocuments } from './embedder.ts';
import { storePart } from './store-part.ts';

/** Default time that a search waits for the vectors of what its tenant wrote a moment ago. */
const DEADLINE_MS = 150;

/**
 * Creates the function that embeds queued memories for a search that waits for them. Concurrent searches share the work
 * on one memory. What misses the deadline continues in the background, and the queue repeats what fails.
 */
export function createEmbedNow(indexing: Indexing, deadlineMs = DEADLINE_MS): NonNullable<Embedders['embedNow']> {
  const { database, embedder } = indexing;
  const running = new Map<string, Promise<void>>();

  async function embedAndStore(memory: QueuedMemory): Promise<void> {
    try {
      const [chunks = []] = await embedDocuments(embedder, [{ text: memory.text, lead: memory.lead }], {
        urgent: true,
      });
      await storePart(database, embedder.model, memory, chunks);
    } catch (error) {
      // The queue tries it again, alone, and no search does.
      if (error instanceof EmbeddingFailed) await blame(indexing, [memory], error.reason);
      throw error;
    }
  }

  function share(memory: QueuedMemory): Promise<void> {
    const key = `${memory.user_id} ${memory.memory_id} ${memory.revision}`;
    const existing = running.get(key);
    if (existing) return existing;
    const started = embedAndStore(memory).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  }

  return async (memories) => {
    if (embedder.state !== 'ready') return false;
    const all = Promise.all(memories.map(share)).then(
      () => true,
      () => false,
    );
    const timeout = new AbortController();
    const deadline = delay(deadlineMs, false, { signal: timeout.signal, ref: false }).catch(() => false);
    return Promise.race([all, deadline]).finally(() => timeout.abort());
  };
}
