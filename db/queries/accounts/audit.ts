import type { Sql } from '../../client/sql.ts';

/** Something that was done to an account. `details` never holds a memory's text nor a key. */
export interface AuditEntry {
  id: string;
  at: Date;
  /** The key that did it (`key:<id>`), `admin`, or a job's name. */
  actor: string;
  action: string;
  target?: string;
  details?: Record<string, unknown>;
}

/** Writes an audit row; call it in the transaction of what it tells of. */
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

/** When an action was last done to the tenant's account. */
export async function findLastAudit(sql: Sql, userId: string, action: string): Promise<Date | null> {
  const result = await sql.query<{ at: Date }>({
    name: 'find_last_audit',
    text: 'select at from audit_log where user_id = $1 and action = $2 order by at desc limit 1',
    values: [userId, action],
  });
  return result.rows[0]?.at ?? null;
}
