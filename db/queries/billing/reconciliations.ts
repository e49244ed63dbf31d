import type { Sql } from '../../client/sql.ts';

/** A comparison of all memberships with Whop's. */
export interface ReconciliationRow {
  id: string;
  started_at: Date;
  /** Null while it runs, and after a process that ran it was killed. */
  finished_at: Date | null;
  memberships: number;
  differences: number;
  failed: number;
  /** Why it could not be completed. */
  error: string | null;
}

/** A difference from Whop that a comparison found and repaired. */
export interface ReconciliationDifferenceRow {
  id: string;
  reconciliation_id: string;
  user_id: string;
  membership_id: string | null;
  what: string;
  value_before: string | null;
  value_after: string;
}

/** Records the start of a comparison. Runs as the database owner. */
export async function insertReconciliation(sql: Sql, { id, now }: { id: string; now: Date }): Promise<void> {
  await sql.query({ text: 'insert into reconciliations (id, started_at) values ($1, $2)', values: [id, now] });
}

/** Records a repaired difference. Runs as the database owner. */
export async function insertReconciliationDifference(sql: Sql, row: ReconciliationDifferenceRow): Promise<void> {
  await sql.query({
    text: `insert into reconciliation_differences
        (user_id, id, reconciliation_id, membership_id, what, value_before, value_after)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      row.user_id,
      row.id,
      row.reconciliation_id,
      row.membership_id,
      row.what,
      row.value_before,
      row.value_after,
    ],
  });
}

/** Records the end of a comparison. Runs as the database owner. */
export async function completeReconciliation(
  sql: Sql,
  { id, finished_at, memberships, differences, failed, error }: Omit<ReconciliationRow, 'started_at'>,
): Promise<void> {
  await sql.query({
    text: `update reconciliations
      set finished_at = $2, memberships = $3, differences = $4, failed = $5, error = $6
      where id = $1`,
    values: [id, finished_at, memberships, differences, failed, error],
  });
}

/** Deletes the comparisons that started before a time, with their differences. Runs as the database owner. */
export async function deleteOldReconciliations(sql: Sql, startedBefore: Date): Promise<void> {
  await sql.query({
    text: `with deleted as (
        delete from reconciliations
        where started_at < $1
        returning id
      )
      delete from reconciliation_differences
      where reconciliation_id in (select id from deleted)`,
    values: [startedBefore],
  });
}

/** Lists the last comparisons, newest first. Runs as the database owner. */
export async function listReconciliations(sql: Sql, limit: number): Promise<ReconciliationRow[]> {
  const result = await sql.query<ReconciliationRow>({
    text: `select id, started_at, finished_at, memberships, differences, failed, error
      from reconciliations
      order by started_at desc, id desc
      limit $1`,
    values: [limit],
  });
  return result.rows;
}

/**
 * Lists the last differences of all accounts, or those of one comparison, newest first, with the addresses of their owners. Runs as the
 * database owner.
 */
export async function listReconciliationDifferences(
  sql: Sql,
  limit: number,
  reconciliationId?: string,
): Promise<(ReconciliationDifferenceRow & { email: string | null })[]> {
  const result = await sql.query<ReconciliationDifferenceRow & { email: string | null }>({
    text: `select d.id, d.reconciliation_id, d.user_id, u.email, d.membership_id, d.what, d.value_before, d.value_after
      from reconciliation_differences d
      join users u on u.id = d.user_id
      where $2::uuid is null or d.reconciliation_id = $2
      order by d.id desc
      limit $1`,
    values: [limit, reconciliationId],
  });
  return result.rows;
}
