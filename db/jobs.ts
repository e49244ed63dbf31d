import type { Sql } from './sql.ts';

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
