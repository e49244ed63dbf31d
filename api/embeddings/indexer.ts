import { NIL } from 'uuid';
import type { Database } from '../../db/client/database.ts';
import { keepClusters } from '../../db/queries/search/clusters.ts';
import { deleteUnusedModel } from '../../db/queries/search/embedding-models.ts';
import {
  completeQueued,
  enqueueMissing,
  leaseQueued,
  lockAgainstChange,
  type MemoryPosition,
  type QueuedMemory,
  releaseQueued,
  renewLeases,
} from '../../db/queries/search/embedding-queue.ts';
import { replaceVectors } from '../../db/queries/search/vectors.ts';
import type { Logger } from '../observability/log.ts';
import { updateClusters } from './clustering.ts';
import type { Chunk, Embedder } from './embedder.ts';

/** Keeps vectors current: leases memories from the durable queue, embeds them and stores the vectors. */
export interface Indexer {
  /** Polls the queue now instead of at the next interval. */
  wake(): void;
  /** Aborts the current batch, whose lease another worker takes over, and waits until the loop has ended. */
  stop(): Promise<void>;
}

/** Memories in a batch. Small, so that a tenant with one new memory does not wait behind a tenant with thousands. */
const BATCH = 16;
/** Memories of one statement that looks for those without vectors: it holds locks, for which writers wait. */
const PAGE = 1_000;
/** Polling finds memories that other nodes queued or that a killed node left behind. */
const POLL_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 2_000;
/** A third of the lease's duration. */
const RENEW_EVERY_MS = 5_000;
/** Interval at which progress is logged and previous models without vectors are closed. */
const PREVIOUS_MODELS_CHECK_MS = 30_000;

/** A tenant's clusters are checked when it is first seen, and after every so many new passages. */
const CLUSTER_EVERY_PASSAGES = 2_000;
const TENANTS_TRACKED_MAX = 10_000;

/**
 * Starts to process the queue. Memories without vectors of the current model are enqueued first, behind new writes. A
 * previous model is closed and removed from `previousModels` when no memory has vectors of it any more.
 */
export function startIndexer(database: Database, embedder: Embedder, previousModels: Embedder[], log: Logger): Indexer {
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
      const usable = embedder.state === 'ready' || embedder.state === 'degraded';
      const done = usable ? await tryOrLog(embedBatch) : 0;
      if (previousModels.length > 0 && isPreviousModelCheckDue(done === 0)) await tryOrLog(retirePreviousModels);
      if (!done) await sleep(usable ? POLL_EVERY_MS : 100);
    }
  }

  async function enqueueMemoriesWithoutVectors(): Promise<void> {
    let missing = 0;
    let after: MemoryPosition | undefined = { user_id: NIL, id: NIL };
    while (after && !stopping.signal.aborted) {
      const page = await enqueueMissing(database.owner, embedder.model, after, PAGE);
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
    log.info({ memories: reembedded, model: embedder.model }, 'memories embedded again with the current model so far');
    for (const previous of [...previousModels]) {
      if (!(await deleteUnusedModel(database.owner, previous.model))) continue;
      previousModels.splice(previousModels.indexOf(previous), 1);
      await previous.close();
      log.info({ model: previous.model }, 'previous model closed: no vectors of it are left');
    }
    // A node that still runs the previous model may have stored vectors of it since.
    if (previousModels.length > 0) await enqueueMemoriesWithoutVectors();
  }

  /** Embeds one batch, new writes first. Returns the number of memories in it. */
  async function embedBatch(): Promise<number> {
    let queued = await leaseQueued(database.owner, { isReembedding: false, after }, BATCH);
    const isReembeddingBatch = queued.length === 0;
    if (isReembeddingBatch) queued = await leaseQueued(database.owner, { isReembedding: true, after }, BATCH);
    if (queued.length === 0) return 0;
    after = lastServedTenant(queued, after);
    const passages = await embed(database, embedder, queued);
    for (const [userId, count] of passages) maintainClustersWhenGrown(userId, count);
    if (isReembeddingBatch) {
      isReembedding = true;
      reembedded += queued.length;
    }
    return queued.length;
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

/** Embeds memories and stores their vectors. Returns the number of passages per tenant. */
async function embed(
  database: Database,
  embedder: Embedder,
  queued: readonly QueuedMemory[],
): Promise<Map<string, number>> {
  const passages = new Map<string, number>();
  const leaseRenewal = setInterval(() => {
    renewLeases(database.owner, queued).catch(() => undefined);
  }, RENEW_EVERY_MS).unref();
  try {
    const chunks = await embedder.embedDocuments(queued.map(textOf));
    for (const [index, memory] of queued.entries()) {
      const own = chunks[index] ?? [];
      await storeVectors(database, embedder.model, memory, own);
      passages.set(memory.user_id, (passages.get(memory.user_id) ?? 0) + own.length);
    }
    return passages;
  } catch (error) {
    await releaseQueued(database.owner, queued).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(leaseRenewal);
  }
}

/** Returns the text of a memory that is embedded: title and content, or the content alone if it starts with the title. */
export function textOf({ title, content }: { title: string; content: string }): string {
  return content.startsWith(title) ? content : `${title}\n${content}`;
}

/**
 * Stores a memory's vectors and removes it from the queue, unless it was changed or deleted since it was read. Locks in the order that
 * docs/architecture.md lays down: the tenant's clusters, the memory, its queue entry, its vectors.
 */
export function storeVectors(
  database: Database,
  model: string,
  memory: QueuedMemory,
  chunks: readonly Chunk[],
): Promise<void> {
  return database.ownerWrite(async (sql) => {
    await keepClusters(sql, { userId: memory.user_id, model });
    if (!(await lockAgainstChange(sql, memory))) return;
    // The memory was changed or deleted meanwhile, so these vectors are outdated.
    if (!(await completeQueued(sql, memory))) return;
    const rows = chunks.map((chunk, index) => ({ chunk: index, ...chunk }));
    await replaceVectors(sql, memory.user_id, memory.memory_id, model, rows);
  });
}
