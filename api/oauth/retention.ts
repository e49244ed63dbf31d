import type { Sql } from '../../db/client/sql.ts';
import { deleteExpiredArtifacts } from '../../db/queries/accounts/oauth-artifacts.ts';
import { deleteUnusedClients } from '../../db/queries/accounts/oauth-clients.ts';
import { DAY_MS } from '../time.ts';

/** Days for which an expired token is known, so that its rejection can say that it expired. */
const EXPIRED_DAYS = 1;
/** Days without use after which a registered client is forgotten: more than a refresh token lasts. */
const UNUSED_DAYS = 120;
/** Days after which a client that registered and was never used is forgotten. */
const NEVER_USED_DAYS = 7;

/** Deletes expired tokens and requests, and clients that are not used any more. Runs as the database owner. */
export async function deleteOldOAuthState(sql: Sql, now: Date): Promise<void> {
  const ago = (days: number) => new Date(now.getTime() - days * DAY_MS);
  await deleteExpiredArtifacts(sql, ago(EXPIRED_DAYS));
  await deleteUnusedClients(sql, { usedBefore: ago(UNUSED_DAYS), registeredBefore: ago(NEVER_USED_DAYS) });
}
