import type { Sql } from '../../client/sql.ts';

/** An audited action on an account. `details` never contains a memory's text or a key. */
export interface AuditEntry {
  id: string;
  at: Date;
  /** `key:<id>` for an API key, `session:<id>` for a signed-in browser, `app:<id>` for an app that ends its own access, `operator:<user id>`, `admin` for the CLI, or the name of a job. */
  actor: string;
  action: string;
  target?: string;
  details?: Record<string, unknown>;
}

/** Inserts an audit row. Must run in the transaction of the audited action. */
export async function insertAudit(sql: Sql, userId: string, entry: AuditEntry): Promise<void> {
  await sql.query({
    name: 'insert_audit',
    text: 'insert into audit_log (user_id, id, at, actor, action, target, details) values ($1, $2, $3, $4, $5, $6, $7)',
    values: [
      userId,
      entry.id,
      entry.at,
      entry.actor,
      entry.action,
      entry.target ?? null,
      JSON.stringify(entry.details ?? {}),
    ],
  });
}

/** Returns the time of the tenant's last audited action of a kind; null when there is none. */
export async function findLastAudit(sql: Sql, userId: string, action: string): Promise<Date | null> {
  const result = await sql.query<{ at: Date }>({
    name: 'find_last_audit',
    text: 'select at from audit_log where user_id = $1 and action = $2 order by at desc limit 1',
    values: [userId, action],
  });
  return result.rows[0]?.at ?? null;
}

/** A row of the audit log, with the names of the keys that it mentions. */
export interface AuditRow {
  id: string;
  at: Date;
  actor: string;
  actor_name: string | null;
  action: string;
  target: string | null;
  target_name: string | null;
  details: Record<string, unknown>;
}

/**
 * Lists the tenant's audit log, newest first.
 * @param page.before id of the last row of the previous page
 */
export async function listAudit(
  sql: Sql,
  userId: string,
  page: { before?: string | undefined; limit: number },
): Promise<AuditRow[]> {
  const keyName = (id: string) => `(select k.name from api_keys k where k.user_id = $1 and k.id::text = ${id})`;
  const result = await sql.query<AuditRow>({
    name: 'list_audit',
    text: `select
        a.id,
        a.at,
        a.actor,
        ${keyName('substr(a.actor, 5)')} as actor_name,
        a.action,
        a.target,
        ${keyName('a.target')} as target_name,
        a.details
      from audit_log a
      where a.user_id = $1 and ($2::uuid is null or a.id < $2)
      order by a.id desc
      limit $3`,
    values: [userId, page.before, page.limit],
  });
  return result.rows;
}
