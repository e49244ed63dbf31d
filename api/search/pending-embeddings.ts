import { findQueued, type QueuedHead, type QueuedMemory } from '../../db/queries/search/embedding-queue.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';

/** Bounds of what a search embeds before it looks: about four of the encoder's longest passages, so that no tenant delays others. */
const MEMORIES_MAX = 8;
const CHARACTERS_MAX = 4_000;

/**
 * Embeds the tenant's newest memories that still wait for their vectors, so that a search finds by meaning what the call
 * before it stored.
 * @returns true when memories are left that this search cannot find by meaning
 */
export async function embedPending(context: RequestContext, caller: Caller, embedders: Embedders): Promise<boolean> {
  if (!embedders.embedNow || embedders.current.state !== 'ready') return false;
  const bounds = { limit: MEMORIES_MAX + 1, charactersMax: CHARACTERS_MAX };
  const queued = await findQueued(context.sql, caller.userId, bounds);
  if (queued.length === 0) return false;
  const short = withinBounds(queued);
  const done = await embedders.embedNow(short);
  return !done || short.length < queued.length;
}

function withinBounds(queued: readonly QueuedHead[]): QueuedMemory[] {
  let characters = 0;
  return queued.slice(0, MEMORIES_MAX).flatMap(({ text, ...memory }) => {
    if (text === null || characters + text.length > CHARACTERS_MAX) return [];
    characters += text.length;
    return [{ ...memory, text }];
  });
}
