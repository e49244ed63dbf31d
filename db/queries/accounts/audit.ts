import type { Sql } from '../../client/sql.ts';

/** An audited action on an account. `details` never contains a memory's text or a key. */
export interface AuditEntry {
  id: string;
  at: Date;
  /** `key:<id>` for an API key, `session:<id>` for a signed-in browser, `admin`, or the name of a job. */
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
