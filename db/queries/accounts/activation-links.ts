import type { Sql } from '../../client/sql.ts';

/** A one-time link that makes a key. Its token is nowhere. */
export interface ActivationLinkRow {
  user_id: string;
  id: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

/** Stores a claim and the hash it is found by. As the owner. */
export async function insertActivationLink(sql: Sql, claim: ActivationLinkRow, tokenHash: Buffer): Promise<void> {
  await sql.query({
    text: 'insert into claims (user_id, id, created_at, expires_at, used_at) values ($1, $2, $3, $4, $5)',
    values: [claim.user_id, claim.id, claim.created_at, claim.expires_at, claim.used_at],
  });
  await sql.query({
    text: 'insert into claim_lookup (token_hash, user_id, claim_id) values ($1, $2, $3)',
    values: [tokenHash, claim.user_id, claim.id],
  });
}

/** What a token's SHA-256 stands for, used and expired claims too. As the owner. */
export async function findActivationLink(sql: Sql, tokenHash: Buffer): Promise<ActivationLinkRow | undefined> {
  const result = await sql.query<ActivationLinkRow>({
    name: 'find_claim',
    text: `select c.user_id, c.id, c.created_at, c.expires_at, c.used_at
      from claim_lookup l join claims c on c.user_id = l.user_id and c.id = l.claim_id where l.token_hash = $1`,
    values: [tokenHash],
  });
  return result.rows[0];
}

/** Notes what key a claim has made, which uses up every open claim of its user. As the owner. */
export async function useActivationLink(sql: Sql, userId: string, id: string, keyId: string, now: Date): Promise<void> {
  await sql.query({
    text: `update claims set used_at = $4, key_id = case when id = $2 then $3::uuid end where user_id = $1 and used_at is null`,
    values: [userId, id, keyId, now],
  });
}

/** Ids of the live keys that claims of this user have made and nobody has ever called with. As the owner. */
export async function listUnusedActivatedKeys(sql: Sql, userId: string): Promise<string[]> {
  const result = await sql.query<{ id: string }>({
    text: `select k.id from claims c join api_keys k on k.user_id = c.user_id and k.id = c.key_id
      where c.user_id = $1 and k.last_used_at is null and k.revoked_at is null`,
    values: [userId],
  });
  return result.rows.map(({ id }) => id);
}

/** Deletes the claims that made no key and expired before this. Answers how many. As the owner. */
export async function deleteOldActivationLinks(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from claims where key_id is null and expires_at < $1',
    values: [expiredBefore],
  });
  return result.rowCount ?? 0;
}
