import { exactlyOne, type Sql } from '../../client/sql.ts';
import { notifyAccountChanged } from './change-notifications.ts';
import type { LifecycleDates, UserStatus } from './users.ts';

/** The lifecycle of an account: its status and the dates behind it. */
export interface AccountLifecycleRow extends LifecycleDates {
  id: string;
  email: string | null;
  status: UserStatus;
  /** Days that were left when the owner was last warned of the purge. */
  purge_warning: number | null;
}

const COLUMNS = 'id, email, status, read_only_since, closing_since, purge_at, purge_warning';

/**
 * Returns the lifecycle of an account; undefined when there is none. `lock` locks its row until the transaction ends, and requires
 * the database owner.
 */
export async function findAccountLifecycle(
  sql: Sql,
  userId: string,
  lock = false,
): Promise<AccountLifecycleRow | undefined> {
  const result = await sql.query<AccountLifecycleRow>({
    text: `select ${COLUMNS} from users where id = $1 ${lock ? 'for no key update' : ''}`,
    values: [userId],
  });
  return result.rows[0];
}

/** Lists the accounts with a purge date before a time, ordered by id and starting after `after`. Runs as the database owner. */
export async function listAccountsToPurge(
  sql: Sql,
  before: Date,
  after: string,
  limit: number,
): Promise<AccountLifecycleRow[]> {
  const result = await sql.query<AccountLifecycleRow>({
    text: `select ${COLUMNS} from users where purge_at < $1 and id > $2 order by id limit $3`,
    values: [before, after, limit],
  });
  return result.rows;
}

/** Records a warning to an account's owner, and the purge date that it names. Runs as the database owner. */
export async function updatePurgeWarning(sql: Sql, userId: string, daysLeft: number, purgeAt: Date): Promise<void> {
  await sql.query({
    text: `update users
      set purge_warning = $2, purge_at = $3
      where id = $1
      returning ${notifyAccountChanged('id')}`,
    values: [userId, daysLeft, purgeAt],
  });
}

/** Returns whether an e-mail to the account's owner, enqueued since a time, is neither sent nor rejected. */
export async function hasUnsentEmail(sql: Sql, userId: string, since: Date): Promise<boolean> {
  const result = await sql.query({
    text: `select
      from outbox
      where user_id = $1 and created_at > $2 and sent_at is null and rejected_at is null
      limit 1`,
    values: [userId, since],
  });
  return result.rows.length > 0;
}

/** The kinds of rows that a receipt counts. */
export const ERASED_KINDS = ['memories', 'versions', 'keys', 'usage_events', 'audit_rows'] as const;
/** Number of deleted rows of each kind. */
type ErasedCounts = Record<(typeof ERASED_KINDS)[number], number>;

/** The record of a purged account: its id, dates and counts, but no content. */
export interface DeletionReceiptRow {
  user_id: string;
  reason: string;
  /** When the owner requested the deletion, or the plan ended. */
  asked_at: Date | null;
  purged_at: Date;
  counts: ErasedCounts;
}

/** Deletes a user with all rows and returns their numbers. Runs as the database owner. */
export async function deleteUser(sql: Sql, userId: string): Promise<ErasedCounts> {
  const count = (table: string) => `(select count(*)::float8 from ${table} where user_id = $1)`;
  const counted = await sql.query<ErasedCounts>({
    text: `select ${count('memories')} as memories, ${count('memory_versions')} as versions, ${count('api_keys')} as keys,
      ${count('usage_events')} as usage_events, ${count('audit_log')} as audit_rows`,
    values: [userId],
  });
  // Before the user, as calls that are being metered lock them.
  await sql.query({ text: 'delete from usage_daily where user_id = $1', values: [userId] });
  await sql.query({
    text: `delete from users where id = $1 returning ${notifyAccountChanged('id')}`,
    values: [userId],
  });
  return exactlyOne(counted);
}

/** Stores a receipt unless the user has one. Runs as the database owner. */
export async function insertDeletionReceipt(sql: Sql, receipt: DeletionReceiptRow): Promise<void> {
  await sql.query({
    text: `insert into deletion_receipts (user_id, reason, asked_at, purged_at, counts)
      values ($1, $2, $3, $4, $5)
      on conflict (user_id) do nothing`,
    values: [receipt.user_id, receipt.reason, receipt.asked_at, receipt.purged_at, JSON.stringify(receipt.counts)],
  });
}

/** Lists all receipts, or those since a time, oldest first. Runs as the database owner. */
export async function listDeletionReceipts(sql: Sql, since?: Date): Promise<DeletionReceiptRow[]> {
  const result = await sql.query<DeletionReceiptRow>({
    text: `select user_id, reason, asked_at, purged_at, counts
      from deletion_receipts
      where $1::timestamptz is null or purged_at >= $1
      order by purged_at, user_id`,
    values: [since ?? null],
  });
  return result.rows;
}
