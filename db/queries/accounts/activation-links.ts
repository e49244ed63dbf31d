import type { Sql } from '../../client/sql.ts';

/** An activation link, which creates one API key. Its token is not stored. */
export interface ActivationLinkRow {
  user_id: string;
  id: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

/** Stores an activation link and the hash of its token. Runs as the database owner. */
export async function insertActivationLink(sql: Sql, link: ActivationLinkRow, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: 'insert into claims (user_id, id, created_at, expires_at, used_at) values ($1, $2, $3, $4, $5)',
    values: [link.user_id, link.id, link.created_at, link.expires_at, link.used_at],
  });
  await sql.query({
    text: 'insert into claim_lookup (token_hash, user_id, claim_id) values ($1, $2, $3)',
    values: [tokenHash, link.user_id, link.id],
  });
}

/** Returns the activation link of a token's SHA-256, including a used or expired one. Runs as the database owner. */
export async function findActivationLink(sql: Sql, tokenHash: Buffer): Promise<ActivationLinkRow | undefined> {
  const result = await sql.query<ActivationLinkRow>({
    name: 'find_claim',
    text: `select c.user_id, c.id, c.created_at, c.expires_at, c.used_at
      from claim_lookup l
      join claims c on c.user_id = l.user_id and c.id = l.claim_id
      where l.token_hash = $1`,
    values: [tokenHash],
  });
  return result.rows[0];
}

/** Records the key that a link created and marks every open link of its user as used. Runs as the database owner. */
export async function useActivationLink(sql: Sql, userId: string, id: string, keyId: string, now: Date): Promise<void> {
  await sql.query({
    text: `update claims
      set used_at = $4, key_id = case when id = $2 then $3::uuid end
      where user_id = $1 and used_at is null`,
    values: [userId, id, keyId, now],
  });
}

/** Lists the ids of a user's valid keys that were created by a link and never used. Runs as the database owner. */
export async function listUnusedActivatedKeys(sql: Sql, userId: string): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    text: `select k.id
      from claims c
      join api_keys k on k.user_id = c.user_id and k.id = c.key_id
      where c.user_id = $1 and k.last_used_at is null and k.revoked_at is null`,
    values: [userId],
  });
  return result.rows.map(({ id }) => id);
}

/** Deletes the unused links that expired before a time and returns their number. Runs as the database owner. */
export async function deleteOldActivationLinks(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from claims where key_id is null and expires_at < $1',
    values: [expiredBefore],
  });
  return result.rowCount ?? 0;
}
