import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type Runner, run, type WorkerEvents, type WorkerPool } from 'graphile-worker';
import { enqueueReconciliation } from '../../db/queries/billing/webhook-inbox.ts';
import { freeLostJobs, holdLease, type Lease } from '../../db/queries/jobs/job-leases.ts';
import { openQueuePool } from '../../db/queries/jobs/job-queue.ts';
import type { Logger as Log } from '../observability/log.ts';
import { CRONTAB, type JobParts, jobHandlers } from './handlers.ts';

export interface Worker {
  /** Lets jobs under way finish, then stops. */
  stop(): Promise<void>;
}

const CONCURRENCY = 2;
/** By when a queue is open again whose job is done. */
const QUEUE_OPENS_MS = 20;
/** How often jobs of killed workers are looked for. */
const SWEEP_MS = 5_000;
/** Pause before a run that a lost database has ended begins anew. */
const RESTART_MS = 1_000;
/** Tries to fetch a job, one every two seconds by each of the workers, after which a run is given up for a new one. */
const FETCHES_FAILED_MAX = 6;

/**
 * Works on background jobs until stopped. Any number of workers may share a database. A lost database ends a run; the
 * next one begins when the database is back.
 */
export async function startWorker(parts: JobParts, ownerUrl: string, log: Log): Promise<Worker> {
  const stopping = new AbortController();
  const pause = (milliseconds: number) =>
    delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined);

  // Webhooks may have been lost while nothing ran.
  if (parts.billing) await parts.database.ownerWrite(enqueueReconciliation);
  let current = await begin(parts, ownerUrl, log);

  async function keepRunning(): Promise<void> {
    while (!stopping.signal.aborted) {
      await current.ended;
      await pause(RESTART_MS);
      while (!stopping.signal.aborted) {
        try {
          current = await begin(parts, ownerUrl, log);
          break;
        } catch (error) {
          log.warn({ err: error }, 'the job worker cannot start yet');
          await pause(RESTART_MS);
        }
      }
    }
    // Whatever began last, even while the stop came.
    await current.stop();
  }

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      await parts.database
        .ownerWrite(freeLostJobs)
        .catch((error) => log.warn({ err: error }, 'lost jobs stay for now'));
      await pause(SWEEP_MS);
    }
  }

  const running = Promise.all([keepRunning(), sweep()]);
  return {
    async stop() {
      stopping.abort();
      await current.stop();
      await running;
    },
  };
}

interface Run {
  /** Never rejects. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

async function begin(parts: JobParts, ownerUrl: string, log: Log): Promise<Run> {
  let runner: Runner | undefined;
  let lease: Lease | undefined;
  let pool: WorkerPool | undefined;
  let failed = 0;
  // Rejects when the run has ended by itself: then there is nothing to stop.
  const stop = async () => runner?.stop().catch(() => undefined);

  const nudge = () => {
    try {
      pool?.nudge(1);
    } catch {
      // It is stopping.
    }
  };

  const events = new EventEmitter() as WorkerEvents;
  // The queue writes the pool's id on the jobs that it takes.
  events.on('pool:create', ({ workerPool }) => {
    pool = workerPool;
    lease = holdLease(ownerUrl, workerPool.id, (error) => log.warn({ err: error }, "the job worker's lease broke"));
  });
  // A worker looks for its next job before the queue of its last one is open, and would look again after two seconds only.
  events.on('job:complete', ({ job }) => {
    if (job.job_queue_id !== null) setTimeout(nudge, QUEUE_OPENS_MS).unref();
  });
  for (const good of ['worker:getJob:empty', 'job:start'] as const) events.on(good, () => (failed = 0));
  events.on('worker:getJob:error', ({ error }) => {
    if (++failed === 1) log.warn({ err: error }, 'the job worker cannot fetch jobs');
    // graphile-worker 0.17 keeps a first failed look at its tasks for good: only a new run looks again.
    if (failed === FETCHES_FAILED_MAX) void stop();
  });

  const connections = openQueuePool(ownerUrl, CONCURRENCY + 2);
  // Not waited for: the queue gives its last connection back when it likes.
  const close = () => void connections.end();
  const running = run({
    pgPool: connections,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    // Otherwise a stop does not wait until what became of the last jobs is written down, and they stay locked.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: jobHandlers(parts, log),
    crontab: CRONTAB,
    events,
    logger: new Logger(() => (level, message) => {
      if (level === 'error') log.error({ job: true }, message);
      else log.debug({ job: true }, message);
    }),
  });
  runner = await running.catch((error) => {
    close();
    throw error;
  });
  const ended = runner.promise
    .catch((error) => log.error({ err: error }, 'the job worker stopped'))
    .then(() => lease?.release())
    .finally(close);
  return {
    ended,
    async stop() {
      await stop();
      await ended;
    },
  };
}
