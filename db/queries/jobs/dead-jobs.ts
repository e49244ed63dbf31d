import { exactlyOne, type Sql } from '../../client/sql.ts';
import { processWebhookJob, sendEmailJob } from './job-types.ts';

/** A job whose last attempt failed. */
export interface DeadJobRow {
  id: string;
  task: string;
  attempts: number;
  created_at: Date;
  /** Time of the last attempt. */
  failed_at: Date;
  last_error: string | null;
}

/** Tasks whose failures are listed elsewhere: with the webhooks and the e-mails. */
const LISTED_ELSEWHERE = [processWebhookJob.name, sendEmailJob.name];
const DEAD = 'attempts >= max_attempts and locked_at is null and task_identifier <> all($1)';

/**
 * Lists at most `limit` dead jobs, except those of webhooks and e-mails, newest first. Runs as the database owner.
 * @param before id of the last job of the previous page
 */
export async function listDeadJobs(
  sql: Sql,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<DeadJobRow[]> {
  const result = await sql.query<DeadJobRow>({
    text: `select id::text, task_identifier as task, attempts, created_at, updated_at as failed_at, last_error
      from graphile_worker.jobs
      where ${DEAD}
        and ($2::bigint is null or id < $2)
      order by jobs.id desc
      limit $3`,
    values: [LISTED_ELSEWHERE, before ?? null, limit],
  });
  return result.rows;
}

/** Counts the dead jobs, except those of webhooks and e-mails. Runs as the database owner. */
export async function countDeadJobs(sql: Sql): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: `select count(*)::int as count from graphile_worker.jobs where ${DEAD}`,
    values: [LISTED_ELSEWHERE],
  });
  return exactlyOne(result).count;
}

/** A dead job that was enqueued again. */
interface RetriedJob {
  task: string;
  /** The account that it is about; null where it is about none. */
  user_id: string | null;
}

/** Gives a dead job all its attempts again, at once. Returns undefined for one that is not dead. Runs as the database owner. */
export async function retryDeadJob(sql: Sql, id: string): Promise<RetriedJob | undefined> {
  const result = await sql.query<RetriedJob>({
    text: `select d.task_identifier as task, r.payload ->> 'user_id' as user_id
      from graphile_worker.jobs d
      cross join lateral graphile_worker.reschedule_jobs(array[d.id], run_at := now(), attempts := 0) r
      where d.id = $1 and d.attempts >= d.max_attempts and d.locked_at is null`,
    values: [id],
  });
  return result.rows[0];
}

/** Returns whether a job of a task waits or runs. Runs as the database owner. */
export async function findTaskState(sql: Sql, task: string): Promise<'idle' | 'waiting' | 'running'> {
  const result = await sql.query<{ running: boolean }>({
    text: `select locked_at is not null as running
      from graphile_worker.jobs
      where task_identifier = $1 and (attempts < max_attempts or locked_at is not null)
      order by running desc
      limit 1`,
    values: [task],
  });
  const [row] = result.rows;
  return row ? (row.running ? 'running' : 'waiting') : 'idle';
}
