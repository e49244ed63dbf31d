import pg from 'pg';
import type { Sql } from '../../client/sql.ts';
import type { JobType } from './job-types.ts';

interface EnqueueOptions {
  /** Of the waiting jobs with the same key only the last one enqueued is kept. */
  key: string;
  /** Jobs of one queue run one after the other; without a queue they run in parallel. */
  queueName?: string;
  /** Attempts until the job is a dead letter; 25 by default. */
  maxAttempts?: number;
}

/**
 * Adds a job to the queue in the caller's transaction. Runs as the database owner.
 * @throws ZodError when the payload does not fit the job type
 */
export async function enqueue<Payload extends object>(
  sql: Sql,
  job: JobType<Payload>,
  payload: NoInfer<Payload>,
  { key, queueName, maxAttempts }: EnqueueOptions,
): Promise<void> {
  await sql.query({
    text: `select from graphile_worker.add_job($1, $2::json, queue_name := $3, max_attempts := $4, job_key := $5)`,
    values: [job.name, JSON.stringify(job.payload.parse(payload)), queueName ?? null, maxAttempts ?? null, key],
  });
}

/**
 * Opens a connection pool for graphile-worker. It has its own error handlers, because graphile-worker removes its handlers before its
 * last connections are closed, and the error of a connection that the server ends then would crash this process.
 */
export function openQueuePool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max, application_name: 'whitemagic-jobs' });
  // The next query on a broken connection fails, and graphile-worker retries it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
