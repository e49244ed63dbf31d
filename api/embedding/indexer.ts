import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/connect.ts';
import {
  enqueueMissing,
  leaseQueued,
  type QueuedMemory,
  releaseQueued,
  renewLeases,
  settleQueued,
} from '../../db/embedding-queue.ts';
import { replaceVectors } from '../../db/vectors.ts';
import type { Logger } from '../observe/log.ts';
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

/** Starts to work on the queue. Memories that lack vectors of the present model are put into it first. */
export function startIndexer(database: Database, embedder: Embedder, log: Logger): Indexer {
  const stopping = new AbortController();
  let wakeUp = () => {};

  const sleep = (ms: number) =>
    Promise.race([
      delay(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined),
      new Promise<void>((resolve) => {
        wakeUp = resolve;
      }),
    ]);

  async function work(): Promise<void> {
    await attempt(async () => {
      const missing = await enqueueMissing(database.owner, embedder.model);
      if (missing > 0) log.info({ memories: missing, model: embedder.model }, 'memories wait for their vectors');
    });
    while (!stopping.signal.aborted) {
      const usable = embedder.state === 'ready' || embedder.state === 'degraded';
      const done = usable ? await attempt(() => embedSome(database, embedder)) : 0;
      if (!done) await sleep(usable ? LOOK_EVERY_MS : 100);
    }
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
    },
  };
}

/** Embeds one batch. Answers how many memories it was. */
async function embedSome(database: Database, embedder: Embedder): Promise<number> {
  const queued = await leaseQueued(database.owner, BATCH);
  if (queued.length === 0) return 0;
  const renewing = setInterval(() => {
    renewLeases(database.owner, queued).catch(() => undefined);
  }, RENEW_EVERY_MS).unref();
  try {
    const chunks = await embedder.embedDocuments(queued.map(textOf));
    for (const [index, memory] of queued.entries()) {
      await store(database, embedder.model, memory, chunks[index] ?? []);
    }
  } catch (error) {
    await releaseQueued(database.owner, queued).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(renewing);
  }
  return queued.length;
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
