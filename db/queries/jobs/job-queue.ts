import pg from 'pg';
import type { Sql } from '../../client/sql.ts';
import type { JobType } from './job-types.ts';

export interface EnqueueOptions {
  /** Of the waiting jobs with the same key only the last one enqueued is kept. */
  key: string;
  /** Jobs of one queue run one after the other; without a queue they run in parallel. */
  queueName?: string;
  /** Attempts until the job is a dead letter; 25 by default. */
  maxAttempts?: number;
}

/**
 * Adds a job to the queue in the caller's transaction. As the owner.
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
 * Connections for the queue's own use. graphile-worker takes its handlers away before its last connections are closed, and one of
 * them that is ended meanwhile, by whoever stops the database, would end this process.
 */
export function openQueuePool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max, application_name: 'whitemagic-jobs' });
  // What breaks is told by the next query, and asked again by the queue.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
