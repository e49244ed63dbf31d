import { NIL } from 'uuid';
import type { Database } from '../../db/client/database.ts';
import {
  type AccountLifecycleRow,
  type DeletionReceiptRow,
  deleteUser,
  findAccountLifecycle,
  hasUnsentEmail,
  insertDeletionReceipt,
  listAccountsToPurge,
  updatePurgeWarning,
} from '../../db/queries/accounts/lifecycle.ts';
import { closeMemberships } from '../../db/queries/billing/memberships.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import type { RequestContext } from '../context.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';

/** Days before the purge at which the owner of a read-only account is warned. */
export const WARNINGS_DAYS_LEFT = [7, 1] as const;

const LAST_WARNING = Math.min(...WARNINGS_DAYS_LEFT);
const FIRST_WARNING = Math.max(...WARNINGS_DAYS_LEFT);
/** Maximum time that a purge waits for an unsent e-mail to the owner, which the purge would delete. */
const PENDING_EMAIL_MS_MAX = HOUR_MS;
const PAGE = 100;
type Clock = Pick<RequestContext, 'now' | 'newId'>;

/** Checks with the seller of the plans that a user has none any more. Throws or returns false when that is not certain. */
export type HasLapsed = (userId: string) => Promise<boolean>;

/** Outcome of a purge attempt. */
export type PurgeOutcome = 'purged' | 'kept' | 'waiting';

/** Receives the outcomes of {@link purgeDueAccounts}. */
interface PurgeReport {
  onPurged(userId: string): void;
  /** A due account is kept for now: it still has a plan, or the check failed with `reason`. */
  onKept(userId: string, reason: unknown): void;
}

/**
 * Warns the owners of read-only accounts that will soon be purged, and purges the accounts that are due. Safe to run at any time
 * and in several processes at once. A failure for one account does not affect the others; the next run retries it.
 */
export async function purgeDueAccounts(
  database: Database,
  clock: Clock,
  hasLapsed: HasLapsed,
  report: PurgeReport,
): Promise<void> {
  const soon = new Date(clock.now().getTime() + FIRST_WARNING * DAY_MS);
  let page: AccountLifecycleRow[] = [];
  do {
    page = await listAccountsToPurge(database.owner, soon, page.at(-1)?.id ?? NIL, PAGE);
    for (const { id } of page) {
      try {
        await sendPurgeWarning(database, clock, id);
        const outcome = await purgeAccount(database, clock, hasLapsed, id);
        if (outcome === 'purged') report.onPurged(id);
        if (outcome === 'kept') report.onKept(id, undefined);
      } catch (error) {
        report.onKept(id, error);
      }
    }
  } while (page.length === PAGE);
}

/** Warns an account's owner, once for each of {@link WARNINGS_DAYS_LEFT}; warnings missed while no job ran are sent as one e-mail. */
async function sendPurgeWarning(database: Database, clock: Clock, userId: string): Promise<void> {
  await database.ownerWrite(async (sql) => {
    const account = await findAccountLifecycle(sql, userId, true);
    if (account?.status !== 'read_only' || !account.purge_at) return;
    const now = clock.now().getTime();
    const leftMs = account.purge_at.getTime() - now;
    const reached = WARNINGS_DAYS_LEFT.filter((days) => leftMs <= days * DAY_MS);
    const due = Math.min(...reached);
    if (reached.length === 0 || (account.purge_warning ?? Number.POSITIVE_INFINITY) <= due) return;
    // The last warning always leaves a full day, however late it is sent.
    const purgeAt =
      due === LAST_WARNING ? new Date(Math.max(account.purge_at.getTime(), now + DAY_MS)) : account.purge_at;
    await updatePurgeWarning(sql, userId, due, purgeAt);
    await mailOwner({ ...clock, sql }, account, 'purge_warning', {
      purge_at: purgeAt.toISOString(),
      days_left: due,
      export_url: '/app/account',
    });
  });
}

/**
 * Purges an account if it is due, in one transaction. Returns `kept` when it still has a plan, `waiting` while an e-mail to its
 * owner is unsent, and undefined when it is not due.
 * @throws any error of `hasLapsed`
 */
export async function purgeAccount(
  database: Database,
  clock: Clock,
  hasLapsed: HasLapsed,
  userId: string,
): Promise<PurgeOutcome | undefined> {
  const seen = await findAccountLifecycle(database.owner, userId);
  if (!seen || !isDue(seen, clock.now())) return undefined;
  // Checked before locking, so that a slow response blocks nothing. An account that its owner closed is purged even with a plan.
  if (seen.status === 'read_only' && !(await hasLapsed(userId))) return 'kept';
  return database.ownerWrite(async (sql) => {
    // Read again under the lock: the account may have been restored or reactivated meanwhile.
    const account = await findAccountLifecycle(sql, userId, true);
    if (account?.status !== seen.status || !isDue(account, clock.now())) return undefined;
    if (await hasUnsentEmail(sql, userId, new Date(clock.now().getTime() - PENDING_EMAIL_MS_MAX))) return 'waiting';
    await eraseAccount({ ...clock, sql }, account, account.status === 'read_only' ? 'lapsed' : 'asked');
    return 'purged';
  });
}

/**
 * Deletes accounts again that a restored backup brought back, and stores the receipts. Returns the outcome for each receipt.
 * @param context `sql` is a transaction of the database owner
 */
export async function replayReceipts(
  context: Pick<RequestContext, 'sql' | 'now'>,
  receipts: readonly DeletionReceiptRow[],
) {
  const replayed: { user_id: string; purged_at: Date; deleted_again: boolean }[] = [];
  for (const receipt of receipts) {
    await insertDeletionReceipt(context.sql, receipt);
    const account = await findAccountLifecycle(context.sql, receipt.user_id, true);
    if (account) await eraseAccount(context, account, receipt.reason);
    replayed.push({ user_id: receipt.user_id, purged_at: receipt.purged_at, deleted_again: account !== undefined });
  }
  return replayed;
}

function isDue({ status, purge_at, purge_warning }: AccountLifecycleRow, now: Date): boolean {
  if (!purge_at || purge_at > now || status === 'active') return false;
  return status !== 'read_only' || purge_warning === LAST_WARNING;
}

async function eraseAccount(
  context: Pick<RequestContext, 'sql' | 'now'>,
  account: AccountLifecycleRow,
  reason: string,
): Promise<void> {
  // Before the user's row, as writers lock them: a write in progress ends first.
  await context.sql.query(lockTenantStatement(account.id));
  if (reason === 'asked') await closeMemberships(context.sql, account.id, context.now());
  const counts = await deleteUser(context.sql, account.id);
  const asked_at = account.closing_since ?? account.read_only_since;
  await insertDeletionReceipt(context.sql, { user_id: account.id, reason, asked_at, purged_at: context.now(), counts });
}
