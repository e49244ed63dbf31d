import { deleteSessionById, deleteSessionsOf, listSessions } from '../../db/queries/accounts/sessions.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';

/** Lists the browsers in which the caller's account is signed in, the one used last first. */
export async function list(context: RequestContext, caller: Caller) {
  const sessions = await listSessions(context.sql, caller.userId, context.now());
  const results = sessions.map(({ id, label, created_at, last_seen_at, expires_at }) => ({
    id,
    label,
    current: id === caller.sessionId,
    created_at: created_at.toISOString(),
    last_seen_at: last_seen_at.toISOString(),
    expires_at: expires_at.toISOString(),
  }));
  return { results, total: results.length };
}

/** Signs one browser of the account out, at once. @throws Problem `not_found` */
export async function revoke(context: RequestContext, caller: Caller, { id }: { id: string }) {
  const isDeleted = await deleteSessionById(context.sql, caller.userId, id);
  if (!isDeleted) throw new Problem('not_found', { detail: `You have no session ${id}. It may have ended.` });
  await audit(context, caller.userId, { actor: actorOf(caller), action: 'sessions.revoke', target: id });
  return { revoked: 1 };
}

/** Signs every browser of the account out, at once, or all but the calling one. */
export async function revokeAll(context: RequestContext, caller: Caller, input: { except_current: boolean }) {
  const revoked = await deleteSessionsOf(context.sql, caller.userId, input.except_current ? caller.sessionId : null);
  const details = { ...input, revoked };
  await audit(context, caller.userId, { actor: actorOf(caller), action: 'sessions.revoke_all', details });
  return { revoked };
}
