import { exactlyOne, type Sql } from '../../client/sql.ts';
import type { LifecycleDates, LimitOverrides, PlanName, UserStatus } from './users.ts';

/** An account as an operator sees it. */
export interface ListedUserRow {
  id: string;
  email: string | null;
  whop_user_id: string | null;
  plan: PlanName;
  status: UserStatus;
  is_operator: boolean;
  created_at: Date;
  last_seen_at: Date | null;
  storage_bytes: number;
  memories: number;
}

/** Conditions of {@link searchUsers}: an account that meets one of them is found. */
interface UserSearch {
  /** Beginning of an e-mail address, in any case. */
  email: string;
  /** Beginning of a Whop user id. */
  whopUserId: string;
  /** Smallest and largest id. */
  ids: readonly [string, string] | undefined;
}

const COLUMNS = `u.id,
        u.email,
        u.whop_user_id,
        u.plan,
        u.status,
        u.is_operator,
        u.created_at,
        u.last_seen_at,
        coalesce(q.storage_bytes, 0)::float8 as storage_bytes,
        coalesce(q.memories, 0)::float8 as memories`;

/**
 * Lists at most `limit` accounts, newest first, that match a search, or all. Runs as the database owner.
 * @param before id of the last account of the previous page
 */
export async function searchUsers(
  sql: Sql,
  search: UserSearch | undefined,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<ListedUserRow[]> {
  const matches = 'lower(u.email) like lower($3) or u.whop_user_id like $4 or u.id between $5 and $6';
  const page = [before ?? null, limit];
  const result = await sql.query<ListedUserRow>({
    text: `select
        ${COLUMNS}
      from users u
      left join quotas q on q.user_id = u.id
      where ($1::uuid is null or u.id < $1)
        ${search ? `and (${matches})` : ''}
      order by u.id desc
      limit $2`,
    values: search ? [...page, prefix(search.email), prefix(search.whopUserId), ...(search.ids ?? [null, null])] : page,
  });
  return result.rows;
}

/** An account with its limits and the dates of its lifecycle. */
export interface UserDetailsRow extends ListedUserRow, LifecycleDates {
  overrides: LimitOverrides;
}

/** Returns an account. Runs as the database owner. */
export async function findUserDetails(sql: Sql, id: string): Promise<UserDetailsRow | undefined> {
  const result = await sql.query<UserDetailsRow>({
    text: `select
        ${COLUMNS},
        u.overrides,
        u.read_only_since,
        u.closing_since,
        u.purge_at
      from users u
      left join quotas q on q.user_id = u.id
      where u.id = $1`,
    values: [id],
  });
  return result.rows[0];
}

/** Counts all accounts. Runs as the database owner. */
export async function countUsers(sql: Sql): Promise<number> {
  return exactlyOne(await sql.query<{ count: number }>({ text: 'select count(*)::int as count from users' })).count;
}

/** Counts the sessions of a user that have not expired. */
export async function countSessions(sql: Sql, userId: string, now: Date): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: 'select count(*)::int as count from sessions where user_id = $1 and expires_at > $2',
    values: [userId, now],
  });
  return exactlyOne(result).count;
}

/**
 * Returns the account that a webhook of Whop is about: that of the Whop user, or of the membership. Runs as the database owner.
 */
export async function findUserOfWebhook(
  sql: Sql,
  { whopUserId, membershipId }: { whopUserId: string | undefined; membershipId: string | undefined },
): Promise<string | undefined> {
  const result = await sql.query<{ id: string }>({
    text: `select id
      from users
      where whop_user_id = $1 or id in (select user_id from memberships where id = $2)
      limit 1`,
    values: [whopUserId ?? null, membershipId ?? null],
  });
  return result.rows[0]?.id;
}

/** Returns the pattern of texts that begin with `text`. */
function prefix(text: string): string {
  return `${text.replace(/[\\%_]/g, '\\$&')}%`;
}
