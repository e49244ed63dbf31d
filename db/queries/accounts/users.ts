import type { Sql } from '../../client/sql.ts';
import { notifyAccountChanged } from './change-notifications.ts';

export type PlanName = 'free' | 'starter' | 'pro' | 'enterprise';
/** `closing`: the owner requested the deletion and can still revert it; `deleted`: it is about to be purged. */
export type UserStatus = 'active' | 'read_only' | 'closing' | 'deleted';

/** Limits of one user that differ from the plan's. */
export interface LimitOverrides {
  requests_per_minute?: number;
  requests_per_day?: number;
  storage_bytes?: number;
}

export interface UserRow {
  id: string;
  email: string | null;
  plan: PlanName;
  status: UserStatus;
  overrides: LimitOverrides;
  created_at: Date;
}

const COLUMNS = 'id, email, plan, status, overrides, created_at';

/** Inserts a user. Runs as the database owner. */
export async function insertUser(sql: Sql, user: UserRow): Promise<void> {
  await sql.query({
    text: `insert into users (id, email, plan, status, overrides, created_at, updated_at)
      values ($1, $2, $3, $4, $5, $6, $6)`,
    values: [user.id, user.email, user.plan, user.status, JSON.stringify(user.overrides), user.created_at],
  });
}

/** Returns a user. `lock` locks the row until the transaction ends. Runs as the database owner. */
export async function findUser(sql: Sql, id: string, lock = false): Promise<UserRow | undefined> {
  const result = await sql.query<UserRow>({
    text: `select ${COLUMNS} from users where id = $1 ${lock ? 'for update' : ''}`,
    values: [id],
  });
  return result.rows[0];
}

/** Lists at most `limit` users, oldest first. Runs as the database owner. */
export async function listUsers(sql: Sql, limit: number): Promise<UserRow[]> {
  const result = await sql.query<UserRow>({
    text: `select ${COLUMNS} from users order by created_at, id limit $1`,
    values: [limit],
  });
  return result.rows;
}

/**
 * Lists the users with an e-mail address, compared without case. There may be several, because an address does not identify a user.
 * Runs as the database owner.
 */
export async function findUsersByEmail(sql: Sql, email: string): Promise<UserRow[]> {
  const result = await sql.query<UserRow>({
    text: `select ${COLUMNS} from users where lower(email) = lower($1) order by created_at`,
    values: [email],
  });
  return result.rows;
}

/** Sets a user's plan; returns false when there is no such user. Runs as the database owner. */
export async function updatePlan(sql: Sql, id: string, plan: PlanName, now: Date): Promise<boolean> {
  const result = await sql.query({
    text: `update users
      set plan = $2, updated_at = $3
      where id = $1
      returning ${notifyAccountChanged('id')}`,
    values: [id, plan, now],
  });
  return result.rowCount === 1;
}

/** Replaces a user's limit overrides; returns false when there is no such user. Runs as the database owner. */
export async function updateOverrides(sql: Sql, id: string, overrides: LimitOverrides, now: Date): Promise<boolean> {
  const result = await sql.query({
    text: `update users
      set overrides = $2, updated_at = $3
      where id = $1
      returning ${notifyAccountChanged('id')}`,
    values: [id, JSON.stringify(overrides), now],
  });
  return result.rowCount === 1;
}

/** Makes a user an operator of the service, or no longer; returns false when there is no such user. Runs as the database owner. */
export async function updateOperator(sql: Sql, id: string, isOperator: boolean, now: Date): Promise<boolean> {
  const result = await sql.query({
    name: 'update_operator',
    text: 'update users set is_operator = $2, updated_at = $3 where id = $1',
    values: [id, isOperator, now],
  });
  return result.rowCount === 1;
}

/** The dates that determine an account's status. */
export interface LifecycleDates {
  /** When the last plan ended. */
  read_only_since: Date | null;
  /** When the owner requested the deletion. */
  closing_since: Date | null;
  purge_at: Date | null;
}

const NO_LIFECYCLE_DATES: LifecycleDates = { read_only_since: null, closing_since: null, purge_at: null };

/** Sets an account's status and lifecycle dates; returns false when there is no such user. Runs as the database owner. */
export async function updateAccountStatus(
  sql: Sql,
  id: string,
  status: UserStatus,
  now: Date,
  { read_only_since, closing_since, purge_at }: LifecycleDates = NO_LIFECYCLE_DATES,
): Promise<boolean> {
  const result = await sql.query({
    text: `update users
      set status = $2, updated_at = $3, read_only_since = $4, closing_since = $5, purge_at = $6, purge_warning = null
      where id = $1
      returning ${notifyAccountChanged('id')}`,
    values: [id, status, now, read_only_since, closing_since, purge_at],
  });
  return result.rowCount === 1;
}
