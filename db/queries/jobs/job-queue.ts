import pg from 'pg';
import type { Sql } from '../../client/sql.ts';

/** Adds a job to the queue in the caller's transaction; of jobs with one `key`, one waits. As the owner. */
export async function enqueueJob(
  sql: Sql,
  task: string,
  payload: Record<string, unknown>,
  { key }: { key: string },
): Promise<void> {
  await sql.query({
    text: 'select from graphile_worker.add_job($1, $2::json, job_key := $3)',
    values: [task, JSON.stringify(payload), key],
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
