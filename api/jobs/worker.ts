import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type Runner, run, type WorkerEvents, type WorkerPool } from 'graphile-worker';
import { enqueueReconciliation } from '../../db/queries/billing/webhook-inbox.ts';
import { freeLostJobs, holdLease, type Lease } from '../../db/queries/jobs/job-leases.ts';
import { openQueuePool } from '../../db/queries/jobs/job-queue.ts';
import { newId } from '../ids.ts';
import type { Logger as Log } from '../observability/log.ts';
import type { OutgoingPolicy } from '../outgoing/send-request.ts';
import { startDeliverer } from '../webhooks/deliverer.ts';
import type { TaskContext } from './define-task.ts';
import { CRONTAB, createTaskList } from './tasks/index.ts';

type WorkerDependencies = Omit<TaskContext, 'clock' | 'log'> & {
  /** Where webhooks may lead. */
  outgoing: OutgoingPolicy;
};

export interface Worker {
  /** Waits for running jobs to finish, then stops. */
  stop(): Promise<void>;
}

const CONCURRENCY = 2;
/** Time after which the queue of a completed job is unlocked. */
const QUEUE_UNLOCK_MS = 20;
/** Interval between searches for the jobs of killed workers. */
const SWEEP_INTERVAL_MS = 5_000;
/** Pause before a new run after a lost database connection ended the last one. */
const RESTART_DELAY_MS = 1_000;
/** Failed attempts to fetch a job, one every two seconds per worker, after which a run is replaced by a new one. */
const FAILED_FETCHES_MAX = 6;

/**
 * Runs background jobs and delivers the events of webhooks until stopped. Any number of workers may share a database. A lost database connection ends a run; the next
 * one starts when the database is available again.
 */
export async function startWorker(dependencies: WorkerDependencies, ownerUrl: string, log: Log): Promise<Worker> {
  const context = { ...dependencies, log, clock: { now: () => new Date(), newId } };
  const stopping = new AbortController();
  const pause = (milliseconds: number) =>
    delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined);

  // Webhooks may have been lost while no worker ran.
  if (context.billing) await context.database.ownerWrite(enqueueReconciliation);
  let current = await startRun(context, ownerUrl, log);

  async function keepRunning(): Promise<void> {
    while (!stopping.signal.aborted) {
      await current.ended;
      await pause(RESTART_DELAY_MS);
      while (!stopping.signal.aborted) {
        try {
          current = await startRun(context, ownerUrl, log);
          break;
        } catch (error) {
          log.warn({ err: error }, 'the job worker cannot start yet');
          await pause(RESTART_DELAY_MS);
        }
      }
    }
    // The last run may have started after stop() was called.
    await current.stop();
  }

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      await context.database
        .ownerWrite(freeLostJobs)
        .catch((error) => log.warn({ err: error }, 'jobs of killed workers could not be unlocked'));
      await pause(SWEEP_INTERVAL_MS);
    }
  }

  const { database, clock } = context;
  const deliverer = startDeliverer({ database, clock, policy: dependencies.outgoing, log });
  const running = Promise.all([keepRunning(), sweep()]);
  return {
    async stop() {
      stopping.abort();
      await Promise.all([current.stop(), deliverer.stop()]);
      await running;
    },
  };
}

interface Run {
  /** Never rejects. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

async function startRun(context: TaskContext, ownerUrl: string, log: Log): Promise<Run> {
  let runner: Runner | undefined;
  let lease: Lease | undefined;
  let pool: WorkerPool | undefined;
  let failedFetches = 0;
  // stop() rejects when the run has already ended: there is nothing left to stop.
  const stop = async () => runner?.stop().catch(() => undefined);

  const nudge = () => {
    try {
      pool?.nudge(1);
    } catch {
      // The pool is stopping.
    }
  };

  const events = new EventEmitter() as WorkerEvents;
  // graphile-worker stores the pool's id in `locked_by` of the jobs that it runs, so the lease is held under that id.
  events.on('pool:create', ({ workerPool }) => {
    pool = workerPool;
    lease = holdLease(ownerUrl, workerPool.id, (error) =>
      log.warn({ err: error }, "the connection of the job worker's lease failed"),
    );
  });
  // A worker fetches its next job before the queue of its last one is unlocked, and would poll again only after two seconds.
  events.on('job:complete', ({ job }) => {
    if (job.job_queue_id !== null) setTimeout(nudge, QUEUE_UNLOCK_MS).unref();
  });
  // The library's own line has the message of the error, which may name an e-mail address.
  events.on('job:error', ({ job, error }) => log.warn({ err: error, job: job.task_identifier }, 'a job failed'));
  events.on('job:failed', ({ job, error }) =>
    log.error({ err: error, job: job.task_identifier }, 'a job failed for good'),
  );
  for (const event of ['worker:getJob:empty', 'job:start'] as const) events.on(event, () => (failedFetches = 0));
  events.on('worker:getJob:error', ({ error }) => {
    if (++failedFetches === 1) log.warn({ err: error }, 'the job worker cannot fetch jobs');
    // graphile-worker 0.17 caches the rejected promise when its first lookup of task ids fails: only a new run looks them up again.
    if (failedFetches === FAILED_FETCHES_MAX) void stop();
  });

  const connections = openQueuePool(ownerUrl, CONCURRENCY + 2);
  // Not awaited: graphile-worker may return its last connection to the pool later.
  const close = () => void connections.end();
  const running = run({
    pgPool: connections,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    // With a batch delay, stopping would not wait until the results of the last jobs are saved, and they would stay locked.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    taskList: createTaskList(context),
    crontab: CRONTAB,
    events,
    logger: new Logger(() => (level, message) => {
      if (level !== 'error') log.debug({ job: true }, message);
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
