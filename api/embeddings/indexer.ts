import { NIL } from 'uuid';
import { enqueueMissing, type MemoryPosition } from '../../db/queries/search/embedding-enqueue.ts';
import { deleteUnusedModel } from '../../db/queries/search/embedding-models.ts';
import { leaseQueued, leaseRetry, type QueuedMemory } from '../../db/queries/search/embedding-queue.ts';
import { updateClusters } from './clustering.ts';
import { embedParts, embedsOtherText, type Indexing } from './embed-parts.ts';
import type { Embedder } from './embedder.ts';
import { FairShares } from './fair-shares.ts';

/** Keeps vectors current: leases memories from the durable queue, embeds them and stores the vectors. */
export interface Indexer {
  /** Polls the queue now instead of at the next interval. */
  wake(): void;
  /** Stops the current batch and releases its leases; the parts of memories that are stored stay. Resolves when the loop has ended. */
  stop(): Promise<void>;
}

/** Most parts of memories in a batch. */
const BATCH = 48;
/** Memories of one statement that looks for those without vectors: it holds locks, for which writers wait. */
const PAGE = 1_000;
/** Polling finds memories that other nodes queued or that a killed node left behind. */
const POLL_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 2_000;
/** Interval at which progress is logged and previous models without vectors are closed. */
const PREVIOUS_MODELS_CHECK_MS = 30_000;

/** A tenant's clusters are checked when it is first seen, and after every so many new passages. */
const CLUSTER_EVERY_PASSAGES = 2_000;
const TENANTS_TRACKED_MAX = 10_000;

/**
 * Starts to process the queue. Memories without vectors of the current model, or of their tokens, are enqueued first, behind new writes. A
 * previous model is closed and removed from `previousModels` when no memory has vectors of it any more.
 */
export function startIndexer(indexing: Indexing, previousModels: Embedder[]): Indexer {
  const { database, embedder, log } = indexing;
  const shares = new FairShares();
  const stopping = new AbortController();
  let wakeUp = () => {};
  let after: string = NIL;
  let reembedded = 0;
  // True at the start even if nothing is queued: an earlier run may have embedded everything again.
  let isReembedding = true;
  let previousModelsCheckedAt = Date.now();
  const passagesSinceMaintenance = new Map<string, number>();
  let maintenance: Promise<void> = Promise.resolve();

  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      if (stopping.signal.aborted) return resolve();
      const timer = setTimeout(resolve, ms).unref();
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function work(): Promise<void> {
    await tryOrLog(enqueueMemoriesWithoutVectors);
    while (!stopping.signal.aborted) {
      const usable = await isUsable();
      const done = usable ? await tryOrLog(embedBatch) : 0;
      if (previousModels.length > 0 && isPreviousModelCheckDue(done === 0)) await tryOrLog(retirePreviousModels);
      if (!done) await sleep(usable ? POLL_EVERY_MS : 100);
    }
  }

  /** Returns whether the embedder works. One that recovers embeds another text first: no memory is blamed for its state. */
  async function isUsable(): Promise<boolean> {
    if (embedder.state === 'degraded') return embedsOtherText(embedder, stopping.signal);
    return embedder.state === 'ready';
  }

  async function enqueueMemoriesWithoutVectors(): Promise<void> {
    let missing = 0;
    let after: MemoryPosition | undefined = { user_id: NIL, id: NIL };
    while (after && !stopping.signal.aborted) {
      const page = await enqueueMissing(database.owner, embedder, after, PAGE);
      missing += page.enqueued;
      after = page.next;
    }
    if (missing > 0) log.info({ memories: missing, model: embedder.model }, 'memories are queued for embedding');
  }

  function isPreviousModelCheckDue(isIdle: boolean): boolean {
    const hasJustEnded = isIdle && isReembedding;
    if (isIdle) isReembedding = false;
    return hasJustEnded || Date.now() - previousModelsCheckedAt >= PREVIOUS_MODELS_CHECK_MS;
  }

  async function retirePreviousModels(): Promise<void> {
    previousModelsCheckedAt = Date.now();
    log.info({ memories: reembedded, model: embedder.model }, 'memories embedded again so far');
    for (const previous of [...previousModels]) {
      if (!(await deleteUnusedModel(database.owner, previous.model))) continue;
      previousModels.splice(previousModels.indexOf(previous), 1);
      await previous.close();
      log.info({ model: previous.model }, 'previous model closed: no vectors of it are left');
    }
    // A node that still runs the previous model may have stored vectors of it since.
    if (previousModels.length > 0) await enqueueMemoriesWithoutVectors();
  }

  /** Embeds one batch, new writes first, and then one memory that failed before, alone. Returns the number of parts. */
  async function embedBatch(): Promise<number> {
    let queued = await lease(false);
    const isReembeddingBatch = queued.length === 0;
    if (isReembeddingBatch) queued = await lease(true);
    if (queued.length > 0) await embedAndMaintain(queued);
    if (isReembeddingBatch && queued.length > 0) {
      isReembedding = true;
      reembedded += queued.length;
    }
    const retry = stopping.signal.aborted ? undefined : await leaseRetry(database.owner);
    if (retry) await embedAndMaintain([retry]);
    return queued.length + (retry ? 1 : 0);
  }

  async function lease(isReembedding: boolean): Promise<QueuedMemory[]> {
    const queued = await leaseQueued(database.owner, { isReembedding, after, ahead: shares.ahead() }, BATCH);
    shares.serve(queued);
    if (queued.length > 0) after = lastServedTenant(queued, after);
    return queued;
  }

  async function embedAndMaintain(queued: readonly QueuedMemory[]): Promise<void> {
    const passages = await embedParts(indexing, queued, stopping.signal);
    for (const [userId, count] of passages) maintainClustersWhenGrown(userId, count);
  }

  function maintainClustersWhenGrown(userId: string, passages: number): void {
    const added = (passagesSinceMaintenance.get(userId) ?? CLUSTER_EVERY_PASSAGES) + passages;
    if (passagesSinceMaintenance.size >= TENANTS_TRACKED_MAX) passagesSinceMaintenance.clear();
    passagesSinceMaintenance.set(userId, added >= CLUSTER_EVERY_PASSAGES ? 0 : added);
    if (added < CLUSTER_EVERY_PASSAGES) return;
    maintenance = maintenance
      .then(() => updateClusters(database, { userId, model: embedder.model }, log, stopping.signal))
      .catch((error) => log.warn({ err: error, user_id: userId }, 'could not update the clusters of binary codes'));
  }

  async function tryOrLog<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      if (stopping.signal.aborted) return undefined;
      log.warn({ err: error }, 'embedding failed, retrying');
      await sleep(RETRY_AFTER_MS);
      return undefined;
    }
  }

  const working = work();
  return {
    wake: () => wakeUp(),
    stop: async () => {
      stopping.abort();
      wakeUp();
      await working;
      await maintenance;
    },
  };
}

/** Returns the last tenant of this round-robin turn; the next lease starts behind it. */
function lastServedTenant(queued: readonly QueuedMemory[], after: string): string {
  const ids = queued.map(({ user_id }) => user_id).sort();
  return ids.findLast((id) => id <= after) ?? (ids.at(-1) as string);
}
