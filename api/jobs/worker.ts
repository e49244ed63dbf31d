import { Logger, type Runner, run } from 'graphile-worker';
import type { Logger as Log } from '../observe/log.ts';
import { CRONTAB, type JobParts, jobHandlers } from './handlers.ts';

export interface Worker {
  /** Lets jobs under way finish, then stops. */
  stop(): Promise<void>;
}

const CONCURRENCY = 2;

/** Works on background jobs until stopped. Any number of workers may share a database. */
export async function startWorker(parts: JobParts, ownerUrl: string, log: Log): Promise<Worker> {
  const runner: Runner = await run({
    connectionString: ownerUrl,
    concurrency: CONCURRENCY,
    maxPoolSize: CONCURRENCY + 2,
    noHandleSignals: true,
    taskList: jobHandlers(parts),
    crontab: CRONTAB,
    logger: new Logger(() => (level, message) => {
      if (level === 'error') log.error({ job: true }, message);
      else log.debug({ job: true }, message);
    }),
  });
  // A lost database ends the run; the caller's readiness tells, and it must not end the process.
  runner.promise.catch((error) => log.error({ err: error }, 'the job worker stopped'));
  return { stop: () => runner.stop() };
}
