import type { Database } from '../../db/client/database.ts';
import { forgetModel } from '../../db/queries/search/embedding-models.ts';
import {
  enqueueMissing,
  leaseQueued,
  NOBODY,
  type QueuedMemory,
  releaseQueued,
  renewLeases,
  settleQueued,
} from '../../db/queries/search/embedding-queue.ts';
import { replaceVectors } from '../../db/queries/search/vectors.ts';
import type { Logger } from '../observability/log.ts';
import { tendCells } from './clustering.ts';
import type { Chunk, Embedder } from './embedder.ts';

/** Keeps vectors current: takes memories off the durable queue, embeds them, writes the vectors. */
export interface Indexer {
  /** Looks at the queue now instead of at the next turn. */
  wake(): void;
  /** Stops after the batch under way, which another worker then takes over. */
  stop(): Promise<void>;
}

/** Small, so that a tenant who stores one memory does not wait behind one who stores thousands. */
const BATCH = 16;
/** Memories queued by other nodes, or left by a killed one, are found by looking. */
const LOOK_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 2_000;
/** A third of a lease. */
const RENEW_EVERY_MS = 5_000;
/** How often it is looked whether a former model's vectors are all replaced, and how often progress is told. */
const LOOK_AT_FORMERS_MS = 30_000;

/** A tenant's cells are looked at whenever it got this many passages, and when it is first seen. */
const TEND_EVERY = 2_000;
const TENANTS_REMEMBERED = 10_000;

/**
 * Starts to work on the queue. Memories that lack vectors of the present model are put into it first, behind what is newly
 * written. A former model is closed and leaves `formers` when the last memory has left it.
 */
export function startIndexer(database: Database, embedder: Embedder, formers: Embedder[], log: Logger): Indexer {
  const stopping = new AbortController();
  let wakeUp = () => {};
  let after = NOBODY;
  let renewed = 0;
  // Also when nothing is waiting: an earlier run may have renewed all.
  let isRenewing = true;
  let formersLookedAt = Date.now();
  const grownBy = new Map<string, number>();
  let tending: Promise<void> = Promise.resolve();

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
    await attempt(takeOver);
    while (!stopping.signal.aborted) {
      const usable = embedder.state === 'ready' || embedder.state === 'degraded';
      const done = usable ? await attempt(embedSome) : 0;
      if (formers.length > 0 && isTimeForFormers(done === 0)) await attempt(lookAtFormers);
      if (!done) await sleep(usable ? LOOK_EVERY_MS : 100);
    }
  }

  async function takeOver(): Promise<void> {
    const missing = await enqueueMissing(database.owner, embedder.model);
    if (missing > 0) log.info({ memories: missing, model: embedder.model }, 'memories wait for their vectors');
  }

  function isTimeForFormers(isIdle: boolean): boolean {
    const hasJustEnded = isIdle && isRenewing;
    if (isIdle) isRenewing = false;
    return hasJustEnded || Date.now() - formersLookedAt >= LOOK_AT_FORMERS_MS;
  }

  async function lookAtFormers(): Promise<void> {
    formersLookedAt = Date.now();
    log.info({ memories: renewed, model: embedder.model }, 'memories have got vectors of the new model so far');
    for (const former of [...formers]) {
      if (!(await forgetModel(database.owner, former.model))) continue;
      formers.splice(formers.indexOf(former), 1);
      await former.close();
      log.info({ model: former.model }, 'no vectors of this model are left');
    }
    // A node that still runs the former model may have written with it since.
    if (formers.length > 0) await takeOver();
  }

  /** Embeds one batch: what is newly written first. Answers how many memories it was. */
  async function embedSome(): Promise<number> {
    let queued = await leaseQueued(database.owner, { renewal: false, after }, BATCH);
    const isRenewal = queued.length === 0;
    if (isRenewal) queued = await leaseQueued(database.owner, { renewal: true, after }, BATCH);
    if (queued.length === 0) return 0;
    after = lastInTurn(queued, after);
    const passages = await embed(database, embedder, queued);
    for (const [userId, count] of passages) tendWhenGrown(userId, count);
    if (isRenewal) {
      isRenewing = true;
      renewed += queued.length;
    }
    return queued.length;
  }

  function tendWhenGrown(userId: string, passages: number): void {
    const grown = (grownBy.get(userId) ?? TEND_EVERY) + passages;
    if (grownBy.size >= TENANTS_REMEMBERED) grownBy.clear();
    grownBy.set(userId, grown >= TEND_EVERY ? 0 : grown);
    if (grown < TEND_EVERY) return;
    tending = tending
      .then(() => tendCells(database, { userId, model: embedder.model }, log, stopping.signal))
      .catch((error) => log.warn({ err: error, user_id: userId }, 'the cells of codes stay as they are'));
  }

  async function attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      if (stopping.signal.aborted) return undefined;
      log.warn({ err: error }, 'embedding is held up');
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
      await tending;
    },
  };
}

/** Of those served, the tenant that is farthest from the one before: the next turn begins behind it. */
function lastInTurn(queued: readonly QueuedMemory[], after: string): string {
  const ids = queued.map(({ user_id }) => user_id).sort();
  return ids.findLast((id) => id <= after) ?? (ids.at(-1) as string);
}

/** Embeds memories and stores their vectors. Answers how many passages each tenant got. */
async function embed(
  database: Database,
  embedder: Embedder,
  queued: readonly QueuedMemory[],
): Promise<Map<string, number>> {
  const passages = new Map<string, number>();
  const renewing = setInterval(() => {
    renewLeases(database.owner, queued).catch(() => undefined);
  }, RENEW_EVERY_MS).unref();
  try {
    const chunks = await embedder.embedDocuments(queued.map(textOf));
    for (const [index, memory] of queued.entries()) {
      const own = chunks[index] ?? [];
      await store(database, embedder.model, memory, own);
      passages.set(memory.user_id, (passages.get(memory.user_id) ?? 0) + own.length);
    }
    return passages;
  } catch (error) {
    await releaseQueued(database.owner, queued).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(renewing);
  }
}

/** What of a memory is embedded: its content, led by its title unless it begins with it anyway. */
export function textOf({ title, content }: { title: string; content: string }): string {
  return content.startsWith(title) ? content : `${title}\n${content}`;
}

function store(database: Database, model: string, memory: QueuedMemory, chunks: readonly Chunk[]): Promise<void> {
  return database.ownerWrite(async (sql) => {
    // Changed or deleted meanwhile: what was embedded is no longer what is stored.
    if (!(await settleQueued(sql, memory))) return;
    const rows = chunks.map((chunk, index) => ({ chunk: index, ...chunk }));
    await replaceVectors(sql, memory.user_id, memory.memory_id, model, rows);
  });
}
