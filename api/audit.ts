import { type AuditEntry, insertAudit } from '../db/queries/accounts/audit.ts';
import type { Caller, RequestContext } from './context.ts';

/**
 * Writes a row of the audit log in the transaction of `context.sql`. `details` must hold neither the text of a memory nor an
 * API key.
 */
export function audit(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  userId: string,
  entry: Omit<AuditEntry, 'id' | 'at'>,
): Promise<void> {
  return insertAudit(context.sql, userId, { id: context.newId(), at: context.now(), ...entry });
}

/** Returns a caller as the actor of an audited action: its key or its session. */
export function actorOf({ keyId, sessionId }: Pick<Caller, 'keyId' | 'sessionId'>): string {
  return keyId === null ? `session:${sessionId}` : `key:${keyId}`;
}

/** Returns an operator as the actor of an act on another account. The owner of that account sees it: it names no e-mail address. */
export function operatorActor({ userId }: Pick<Caller, 'userId'>): string {
  return `operator:${userId}`;
}
