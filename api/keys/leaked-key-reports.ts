import { findKey, type KeyOwnerRow, keyOwnerStatement, updateKey } from '../../db/queries/accounts/api-keys.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { hashKey } from './key-format.ts';
import { recordKeyRevoked } from './keys.ts';

/** A key that was found in a public place. */
export interface LeakedKeyReport {
  apiKey: string;
  /** URL where it was found, if known. */
  url: string | null;
  /** Source of the report, for the audit log. */
  reporter: 'public' | 'github';
}

/**
 * Revokes a leaked key that still works and e-mails its owner.
 * @param context `sql` is a transaction of the database owner
 * @returns the id of the key's user, also when it was revoked before; undefined when no such key exists
 */
export async function revokeLeakedKey(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  leak: LeakedKeyReport,
): Promise<string | undefined> {
  const [owner] = (await context.sql.query<KeyOwnerRow>(keyOwnerStatement(hashKey(leak.apiKey)))).rows;
  if (!owner) return undefined;
  const key = await findKey(context.sql, owner.user_id, owner.key_id, true);
  if (!key || key.revoked_at) return owner.user_id;
  await updateKey(context.sql, owner.user_id, { ...key, revoked_at: context.now() });
  await recordKeyRevoked(context, owner.user_id, key, 'leaked');
  await audit(context, owner.user_id, {
    actor: `leak:${leak.reporter}`,
    action: 'keys.revoke',
    target: key.id,
    details: { leaked_at: leak.url },
  });
  const user = await findUser(context.sql, owner.user_id);
  const { name, prefix, last4 } = key;
  if (user) await mailOwner(context, user, 'key_revoked_leaked', { name, prefix, last4, url: leak.url });
  return owner.user_id;
}
