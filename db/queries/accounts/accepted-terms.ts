import type { Sql } from '../../client/sql.ts';

/** The version of the legal texts that the owner of an account has accepted; null before the first sign-in or activation. */
export interface AcceptedTerms {
  terms_version: string | null;
  terms_accepted_at: Date | null;
}

/** Records that the owner of an account accepted a version, unless it is recorded. Runs as the database owner. */
export async function acceptTerms(sql: Sql, userId: string, version: string, now: Date): Promise<void> {
  await sql.query({
    name: 'accept_terms',
    text: `update users
      set terms_version = $2, terms_accepted_at = $3
      where id = $1 and terms_version is distinct from $2`,
    values: [userId, version, now],
  });
}

/** Returns what the owner of the tenant's account has accepted. */
export async function findAcceptedTerms(sql: Sql, userId: string): Promise<AcceptedTerms | undefined> {
  const result = await sql.query<AcceptedTerms>({
    name: 'find_accepted_terms',
    text: 'select terms_version, terms_accepted_at from users where id = $1',
    values: [userId],
  });
  return result.rows[0];
}
