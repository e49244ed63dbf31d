import type { Sql } from '../../client/sql.ts';
import { notifyAccountChanged } from './change-notifications.ts';
import type { LimitOverrides, PlanName, UserStatus } from './users.ts';

/** The stored properties of an API key. The key itself is not stored. */
export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  scopes: string[];
  /** The projects that the key is bound to; null for all. */
  projects: string[] | null;
  rpm_limit: number | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  created_at: Date;
}

/** The permissions of an API key or an access token, with its user's plan, status and limits. */
export interface KeyOwnerRow {
  user_id: string;
  key_id: string;
  scopes: string[];
  /** The projects that the key is bound to; null for all. */
  projects: string[] | null;
  rpm_limit: number | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  /** Client to which a person granted this access by OAuth; null for a key. */
  client_id: string | null;
  plan: PlanName;
  status: UserStatus;
  overrides: LimitOverrides;
}

const COLUMNS =
  'id, name, prefix, last4, scopes, projects, rpm_limit, expires_at, revoked_at, last_used_at, created_at';

/** Stores a key and its hash. */
export async function insertKey(sql: Sql, userId: string, key: KeyRow, hash: Buffer): Promise<void> {
  await sql.query({
    text: `insert into api_keys (user_id, ${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      userId,
      key.id,
      key.name,
      key.prefix,
      key.last4,
      key.scopes,
      key.projects,
      key.rpm_limit,
      key.expires_at,
      key.revoked_at,
      key.last_used_at,
      key.created_at,
    ],
  });
  await sql.query({
    text: 'insert into key_lookup (key_hash, user_id, key_id) values ($1, $2, $3)',
    values: [hash, userId, key.id],
  });
}

/**
 * Returns the statement that resolves the SHA-256 of a key or an access token, also of a revoked or expired one, to its user. A token
 * has an expiry and scopes of its own. It runs as the database
 * owner, because the tenant is not known yet.
 */
export function keyOwnerStatement(hash: Buffer) {
  return {
    name: 'find_key_owner',
    text: `select k.user_id, k.id as key_id, coalesce(l.scopes, k.scopes) as scopes, k.projects, k.rpm_limit,
        coalesce(l.expires_at, k.expires_at) as expires_at, k.revoked_at, k.last_used_at, k.client_id,
        u.plan, u.status, u.overrides
      from key_lookup l
      join api_keys k on k.user_id = l.user_id and k.id = l.key_id
      join users u on u.id = l.user_id
      where l.key_hash = $1`,
    values: [hash],
  };
}

/**
 * Returns the statement that finds which of the given SHA-256 are those of keys that may be used at `now`: neither revoked nor
 * expired, of an account that exists. It runs as the database owner.
 */
export function validKeyHashesStatement(hashes: readonly Buffer[], now: Date) {
  return {
    name: 'find_valid_keys',
    text: `select l.key_hash
      from key_lookup l
      join api_keys k on k.user_id = l.user_id and k.id = l.key_id
      join users u on u.id = l.user_id
      where l.key_hash = any($1::bytea[])
        and k.revoked_at is null
        and (coalesce(l.expires_at, k.expires_at) is null or coalesce(l.expires_at, k.expires_at) > $2)
        and u.status <> 'deleted'`,
    values: [hashes, now],
  };
}

/** Lists the tenant's keys, newest first, without the access of apps. */
export async function listKeys(sql: Sql, userId: string): Promise<KeyRow[]> {
  const result = await sql.query<KeyRow>({
    text: `select ${COLUMNS}
      from api_keys
      where user_id = $1
        and client_id is null
      order by created_at desc, id desc`,
    values: [userId],
  });
  return result.rows;
}

/** Returns a key of the tenant; undefined for the access of an app. `lock` locks the row until the transaction ends. */
export async function findKey(sql: Sql, userId: string, id: string, lock = false): Promise<KeyRow | undefined> {
  const result = await sql.query<KeyRow>({
    text: `select ${COLUMNS}
      from api_keys
      where user_id = $1
        and id = $2
        and client_id is null
      ${lock ? 'for update' : ''}`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** Returns a key of any user, or the access of an app, by its id and locks its row. Runs as the database owner. */
export async function findAnyKey(sql: Sql, id: string): Promise<{ userId: string; key: KeyRow } | undefined> {
  const result = await sql.query<KeyRow & { user_id: string }>({
    text: `select user_id, ${COLUMNS} from api_keys where id = $1 for update`,
    values: [id],
  });
  const [row] = result.rows;
  if (!row) return undefined;
  const { user_id: userId, ...key } = row;
  return { userId, key };
}

/** Updates a key's name, scopes, projects, limit, expiry and revocation. */
export async function updateKey(sql: Sql, userId: string, key: KeyRow): Promise<void> {
  await sql.query({
    text: `update api_keys
      set name = $3, scopes = $4, rpm_limit = $5, expires_at = $6, revoked_at = $7, projects = $8
      where user_id = $1 and id = $2
      returning ${notifyAccountChanged('user_id')}`,
    values: [userId, key.id, key.name, key.scopes, key.rpm_limit, key.expires_at, key.revoked_at, key.projects],
  });
}

/** Records the use of a key, at most once a minute. Runs as the database owner. */
export async function touchKey(sql: Sql, userId: string, keyId: string, now: Date): Promise<void> {
  await sql.query({
    name: 'touch_key',
    text: `with touched as (
        update api_keys
        set last_used_at = $3
        where user_id = $1 and id = $2
          and (last_used_at is null or last_used_at <= $3::timestamptz - interval '1 minute')
        returning user_id
      )
      update users
      set last_seen_at = $3
      where id in (select user_id from touched)`,
    values: [userId, keyId, now],
  });
}
