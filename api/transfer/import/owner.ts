import type { Sql } from '../../../db/client/sql.ts';
import { findUser } from '../../../db/queries/accounts/users.ts';
import type { Caller } from '../../context.ts';
import { limitsOf } from '../../limits/plans.ts';

/** Returns the caller on whose behalf the job of an import works: the account, with the limits that it has now. Undefined when it may not write. */
export async function findOwner(sql: Sql, userId: string): Promise<Caller | undefined> {
  const user = await findUser(sql, userId);
  if (user?.status !== 'active') return undefined;
  return {
    userId,
    keyId: null,
    sessionId: null,
    scopes: ['memories:read', 'memories:write'],
    plan: user.plan,
    status: user.status,
    limits: limitsOf(user.plan, user.overrides),
    keyRequestsPerMinute: null,
    projects: null,
    transport: 'rest',
    isOperator: false,
  };
}

/** Why an import stopped whose account may not write. */
export const MAY_NOT_WRITE = 'The account may not write at present. Run the import again when it may.';

/** Why an import stopped for which the storage does not suffice. */
export const STORAGE_FULL =
  'The storage of the plan does not suffice. Delete memories permanently or upgrade the plan, then run the import again.';
