import { exactlyOne, type Sql } from '../../client/sql.ts';

/*
 * One-time links that sign a browser in. All statements run as the database owner.
 */

/** Recipient of a link: an account, or an address for which its use creates one. */
export type SignInRecipient = { user_id: string; email: null } | { user_id: null; email: string };

/** A stored link. Its secret is not stored. */
export type SignInLinkRow = SignInRecipient & {
  method: 'email' | 'local';
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
};

/** A link with the address of its account. */
export type FoundSignInLink = SignInLinkRow & { account_email: string | null };

/** Stores a link with the SHA-256 of its secret. */
export async function insertSignInLink(sql: Sql, link: SignInLinkRow, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: `insert into sign_in_links (token_hash, user_id, email, method, created_at, expires_at, used_at)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tokenHash, link.user_id, link.email, link.method, link.created_at, link.expires_at, link.used_at],
  });
}

/** Returns a link, also a used or expired one. */
export async function findSignInLink(sql: Sql, tokenHash: Buffer): Promise<FoundSignInLink | undefined> {
  const result = await sql.query<FoundSignInLink>({
    text: `select
        l.user_id,
        l.email,
        l.method,
        l.created_at,
        l.expires_at,
        l.used_at,
        u.email as account_email
      from sign_in_links l
      left join users u on u.id = l.user_id
      where l.token_hash = $1`,
    values: [tokenHash],
  });
  return result.rows[0];
}

/** Marks every open link of a recipient as used. */
export async function closeSignInLinks(sql: Sql, { user_id, email }: SignInRecipient, now: Date): Promise<void> {
  await sql.query({
    text: `update sign_in_links
      set used_at = $3
      where used_at is null
        and (user_id = $1 or lower(email) = lower($2))`,
    values: [user_id, email, now],
  });
}

/** Counts the links that were created for a recipient since a time. */
export async function countSignInLinks(sql: Sql, { user_id, email }: SignInRecipient, since: Date): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: `select count(*)::int as count
      from sign_in_links
      where created_at > $3
        and (user_id = $1 or lower(email) = lower($2))`,
    values: [user_id, email, since],
  });
  return exactlyOne(result).count;
}

/** Makes other transactions with this lock on the same address wait until this one ends. */
export async function lockEmailAddress(sql: Sql, email: string): Promise<void> {
  await sql.query({
    text: "select pg_advisory_xact_lock(hashtextextended('sign-up ' || lower($1), 0))",
    values: [email],
  });
}

/** Deletes the links that expired before a time and returns their number. */
export async function deleteOldSignInLinks(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({ text: 'delete from sign_in_links where expires_at < $1', values: [expiredBefore] });
  return result.rowCount ?? 0;
}
