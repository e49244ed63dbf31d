import { v7 as uuidv7 } from 'uuid';
import { issueActivationLink } from '../../api/keys/activation-links.ts';
import type { TestService } from './service.ts';

/** Issues an activation link for a user, as provisioning does. Returns its token. */
export async function activationTokenFor(node: TestService, userId: string): Promise<string> {
  const context = { now: () => new Date(), newId: () => uuidv7() };
  return (await node.service.database.ownerWrite((sql) => issueActivationLink({ ...context, sql }, userId))).token;
}

/** Returns the names and states of a user's keys, oldest first. */
export async function keysOf(node: TestService, userId: string): Promise<{ name: string; state: string }[]> {
  const { rows } = await node.service.database.owner.query<{ name: string; state: string }>(
    `select name, case when revoked_at is null then 'live' else 'revoked' end as state
      from api_keys
      where user_id = $1
      order by created_at, id`,
    [userId],
  );
  return rows;
}
