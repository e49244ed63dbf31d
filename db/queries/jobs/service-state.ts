import type { Sql } from '../../client/sql.ts';

/** The state of a service, across its nodes, as its database knows it. Counts are exact up to {@link COUNTED_MAX}. */
export interface ServiceStateRow {
  /** Jobs that are due, or run, by task. */
  due: Record<string, number>;
  /** Jobs whose last attempt failed, by task. */
  dead: Record<string, number>;
  /** Seconds that the oldest due job has waited; 0 when none waits. */
  oldest_seconds: number;
  emails_waiting: number;
  webhooks_waiting: number;
  /** Users who were active in the last 24 hours. */
  active_users: number;
  backup_at: Date | null;
  restore_test_at: Date | null;
}

/** Largest number of rows of a kind that are counted. */
const COUNTED_MAX = 100_000;

/** Reads the state of a service. Runs as the database owner. */
export async function readServiceState(sql: Sql): Promise<ServiceStateRow> {
  const byTask = (condition: string) => `(
      select coalesce(json_object_agg(task, count), '{}')
      from (
        select task_identifier as task, count(*)::int as count
        from (
          select task_identifier
          from graphile_worker.jobs
          where ${condition}
          limit ${COUNTED_MAX}
        ) some_jobs
        group by task_identifier
      ) tasks
    )`;
  const counted = (table: string, condition: string) =>
    `(select count(*)::int from (select from ${table} where ${condition} limit ${COUNTED_MAX}) counted)`;
  const result = await sql.query<ServiceStateRow>({
    text: `select ${byTask('run_at <= now() and attempts < max_attempts')} as due,
        ${byTask('attempts >= max_attempts and locked_at is null')} as dead,
        coalesce((
          select extract(epoch from now() - min(run_at))::float8
          from graphile_worker.jobs
          where run_at <= now()
            and attempts < max_attempts
            and locked_at is null
        ), 0) as oldest_seconds,
        ${counted('outbox', 'sent_at is null and rejected_at is null')} as emails_waiting,
        ${counted('webhook_inbox', 'processed_at is null and not ignored')} as webhooks_waiting,
        ${counted('users', "last_seen_at > now() - interval '1 day'")} as active_users,
        (select max(finished_at) from backups where kind = 'backup') as backup_at,
        (select max(finished_at) from backups where kind = 'restore_test') as restore_test_at`,
  });
  return result.rows[0] as ServiceStateRow;
}
