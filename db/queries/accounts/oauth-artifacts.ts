import { exactlyOne, type Sql } from '../../client/sql.ts';

/*
 * Codes, tokens, grants and pending requests of the OAuth server. Ids are stored as SHA-256 only, because those of codes and tokens are
 * secrets. All statements run as the database owner.
 */

/** The grant to which a code or token belongs: the access of an app, a row of `api_keys`. */
export interface GrantId {
  userId: string;
  grantId: string;
}

/** A stored artifact. */
export interface Artifact {
  /** `AuthorizationCode`, `RefreshToken`, `Interaction` … */
  kind: string;
  idHash: Buffer;
  /** Null for what belongs to no account yet. */
  grant: GrantId | null;
  payload: object;
  expiresAt: Date;
}

/** Stores an artifact, or replaces the one with its id. */
export async function upsertArtifact(sql: Sql, { kind, idHash, grant, payload, expiresAt }: Artifact): Promise<void> {
  await sql.query({
    text: `insert into oauth_artifacts (kind, id_hash, user_id, grant_id, payload, expires_at)
      values ($1, $2, $3, $4, $5, $6)
      on conflict (kind, id_hash) do update
      set payload = excluded.payload, expires_at = excluded.expires_at`,
    values: [kind, idHash, grant?.userId ?? null, grant?.grantId ?? null, JSON.stringify(payload), expiresAt],
  });
}

/** Returns an artifact's payload and the time of its first use; undefined if there is none or its grant was revoked. */
export async function findArtifact<Payload>(
  sql: Sql,
  kind: string,
  idHash: Buffer,
): Promise<{ payload: Payload; expires_at: Date; consumed_at: Date | null } | undefined> {
  const result = await sql.query<{ payload: Payload; expires_at: Date; consumed_at: Date | null }>({
    text: `select a.payload, a.expires_at, a.consumed_at
      from oauth_artifacts a
      left join api_keys k on k.user_id = a.user_id and k.id = a.grant_id
      where a.kind = $1
        and a.id_hash = $2
        and k.revoked_at is null`,
    values: [kind, idHash],
  });
  return result.rows[0];
}

/** Returns the user of a stored grant. */
export async function findGrantOwner(sql: Sql, idHash: Buffer): Promise<string | undefined> {
  const result = await sql.query<{ user_id: string }>({
    text: `select user_id
      from oauth_artifacts
      where kind = 'Grant'
        and id_hash = $1`,
    values: [idHash],
  });
  return result.rows[0]?.user_id;
}

/** Records the first use of an artifact. It is kept until `keptUntil` at most, so that a second use is noticed. */
export async function consumeArtifact(
  sql: Sql,
  kind: string,
  idHash: Buffer,
  { now, keptUntil }: { now: Date; keptUntil: Date },
): Promise<void> {
  await sql.query({
    text: `update oauth_artifacts
      set consumed_at = coalesce(consumed_at, $3), expires_at = least(expires_at, $4)
      where kind = $1
        and id_hash = $2`,
    values: [kind, idHash, now, keptUntil],
  });
}

/** Deletes an artifact and returns its payload; undefined if there was none that had not expired. */
export async function takeArtifact<Payload>(
  sql: Sql,
  kind: string,
  idHash: Buffer,
  now: Date,
): Promise<Payload | undefined> {
  const result = await sql.query<{ payload: Payload }>({
    text: `delete from oauth_artifacts
      where kind = $1
        and id_hash = $2
        and expires_at > $3
      returning payload`,
    values: [kind, idHash, now],
  });
  return result.rows[0]?.payload;
}

/** Deletes an artifact, if there is one. */
export async function deleteArtifact(sql: Sql, kind: string, idHash: Buffer): Promise<void> {
  await sql.query({
    text: `delete from oauth_artifacts
      where kind = $1
        and id_hash = $2`,
    values: [kind, idHash],
  });
}

/** Makes a token work like a key of its grant, with its own scopes, until it expires. */
export async function insertAccessToken(
  sql: Sql,
  { userId, grantId }: GrantId,
  token: { hash: Buffer; scopes: readonly string[]; expiresAt: Date },
): Promise<void> {
  await sql.query({
    text: `insert into key_lookup (key_hash, user_id, key_id, scopes, expires_at)
      values ($1, $2, $3, $4, $5)`,
    values: [token.hash, userId, grantId, token.scopes, token.expiresAt],
  });
}

/** Extends a grant to the expiry of its newest token. */
export async function extendGrant(sql: Sql, { userId, grantId }: GrantId, expiresAt: Date): Promise<void> {
  await sql.query({
    name: 'extend_grant',
    text: `with extended as (
        update api_keys
        set expires_at = $3
        where user_id = $1
          and id = $2
          and expires_at < $3
        returning user_id, id
      )
      update oauth_artifacts a
      set expires_at = $3
      from extended e
      where a.user_id = e.user_id
        and a.grant_id = e.id
        and a.kind = 'Grant'`,
    values: [userId, grantId, expiresAt],
  });
}

/** Deletes artifacts and access tokens that expired before a time, and returns their number. */
export async function deleteExpiredArtifacts(sql: Sql, before: Date): Promise<number> {
  const result = await sql.query<{ count: number }>({
    name: 'delete_expired_tokens',
    text: `with tokens as (
        delete from key_lookup
        where expires_at < $1
        returning 1
      ),
      artifacts as (
        delete from oauth_artifacts
        where expires_at < $1
        returning 1
      )
      select ((select count(*) from tokens) + (select count(*) from artifacts))::int as count`,
    values: [before],
  });
  return exactlyOne(result).count;
}
