import type { Database } from '../../db/client/database.ts';
import { type EmbeddingBacklog, readBacklog } from '../../db/queries/search/embedding-backlog.ts';

/** How long a measurement is used, so that frequent probes cost little. */
const KEPT_MS = 2_000;

/** A newly written memory that waits longer than this means that semantic search is behind. */
export const LAG_SECONDS_MAX = 60;

/** Returns a function that measures the memories that wait for their vectors, at most once in two seconds. */
export function createBacklogReader(database: Database): () => Promise<EmbeddingBacklog> {
  let last: { at: number; backlog: Promise<EmbeddingBacklog> } | undefined;
  return () => {
    if (last && performance.now() - last.at < KEPT_MS) return last.backlog;
    const backlog = readBacklog(database.owner);
    last = { at: performance.now(), backlog };
    // A failed measurement is not kept.
    backlog.catch(() => {
      last = undefined;
    });
    return backlog;
  };
}
