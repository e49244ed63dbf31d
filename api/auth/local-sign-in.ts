import { findLocalOwner } from '../accounts/local-owner.ts';
import type { RequestContext } from '../context.ts';
import { issueSignInLink } from './sign-in-links.ts';

/**
 * Creates a sign-in link for the account of the person who runs the service on their own machine. Returns its path; undefined where
 * there is no such account.
 * @param context `sql` is a transaction of the database owner
 */
export async function issueLocalSignInLink(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
): Promise<string | undefined> {
  const owner = await findLocalOwner(context.sql);
  if (!owner) return undefined;
  return (await issueSignInLink(context, { user_id: owner.id, email: null }, 'local')).path;
}
