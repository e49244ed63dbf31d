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
import type { RequestContext } from '../context.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';

/** How many days before the purge the owner of a read-only account is warned. */
export const WARNINGS_DAYS_LEFT = [7, 1] as const;

const LAST_WARNING = Math.min(...WARNINGS_DAYS_LEFT);
const FIRST_WARNING = Math.max(...WARNINGS_DAYS_LEFT);
/** How long a purge waits for a mail to the owner, which would be gone with the account. */
const PENDING_EMAIL_MS_MAX = HOUR_MS;
const PAGE = 100;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

type Clock = Pick<RequestContext, 'now' | 'newId'>;

/** Asks whoever sells the plans whether a user really has none any more. Throws, or answers false, when that is in doubt. */
export type HasLapsed = (userId: string) => Promise<boolean>;

/** What became of an account whose purge was tried. */
export type PurgeOutcome = 'purged' | 'kept' | 'waiting';

/** Told what was done, and what could not be. */
export interface PurgeReport {
  onPurged(userId: string): void;
  /** An account that is due stays for now: it has a plan after all, or nobody could be asked. */
  onKept(userId: string, reason: unknown): void;
}

/**
 * Warns the owners of read-only accounts that end soon, and purges the accounts that are due. May run at any time, in several
 * processes at once. What goes wrong with one account holds up no other; it is tried again at the next run.
 */
export async function purgeDueAccounts(
  database: Database,
  clock: Clock,
  stillGone: HasLapsed,
  report: PurgeReport,
): Promise<void> {
  const soon = new Date(clock.now().getTime() + FIRST_WARNING * DAY_MS);
  let page: AccountLifecycleRow[] = [];
  do {
    page = await listAccountsToPurge(database.owner, soon, page.at(-1)?.id ?? BEFORE_ALL, PAGE);
    for (const { id } of page) {
      try {
        await sendPurgeWarning(database, clock, id);
        const outcome = await purgeAccount(database, clock, stillGone, id);
        if (outcome === 'purged') report.onPurged(id);
        if (outcome === 'kept') report.onKept(id, undefined);
      } catch (error) {
        report.onKept(id, error);
      }
    }
  } while (page.length === PAGE);
}

/** Warns an account's owner, once for each of {@link WARNINGS_DAYS_LEFT}; what was slept through is one mail. */
async function sendPurgeWarning(database: Database, clock: Clock, userId: string): Promise<void> {
  await database.ownerWrite(async (sql) => {
    const account = await findAccountLifecycle(sql, userId, true);
    if (account?.status !== 'read_only' || !account.purge_at) return;
    const now = clock.now().getTime();
    const leftMs = account.purge_at.getTime() - now;
    const reached = WARNINGS_DAYS_LEFT.filter((days) => leftMs <= days * DAY_MS);
    const due = Math.min(...reached);
    if (reached.length === 0 || (account.purge_warning ?? Number.POSITIVE_INFINITY) <= due) return;
    // However late the last warning comes, it leaves its day.
    const purgeAt =
      due === LAST_WARNING ? new Date(Math.max(account.purge_at.getTime(), now + DAY_MS)) : account.purge_at;
    await updatePurgeWarning(sql, userId, due, purgeAt);
    await mailOwner({ ...clock, sql }, account, 'purge_warning', {
      purge_at: purgeAt.toISOString(),
      days_left: due,
      export_url: '/api/v1/account/export',
    });
  });
}

/**
 * Purges an account if it is due, all or nothing. `kept`: it has a plan after all; `waiting`: a mail to its owner is still on
 * its way. Undefined when there is nothing to purge.
 * @throws whatever kept `stillGone` from knowing
 */
export async function purgeAccount(
  database: Database,
  clock: Clock,
  stillGone: HasLapsed,
  userId: string,
): Promise<PurgeOutcome | undefined> {
  const seen = await findAccountLifecycle(database.owner, userId);
  if (!seen || !isDue(seen, clock.now())) return undefined;
  // Asked before the lock, so that a slow answer holds nobody up. What its owner wants gone goes whatever they pay for.
  if (seen.status === 'read_only' && !(await stillGone(userId))) return 'kept';
  return database.ownerWrite(async (sql) => {
    // A restored or reactivated account is another one under the lock, whoever was faster.
    const account = await findAccountLifecycle(sql, userId, true);
    if (account?.status !== seen.status || !isDue(account, clock.now())) return undefined;
    if (await hasUnsentEmail(sql, userId, new Date(clock.now().getTime() - PENDING_EMAIL_MS_MAX))) return 'waiting';
    await eraseAccount({ ...clock, sql }, account, account.status === 'read_only' ? 'lapsed' : 'asked');
    return 'purged';
  });
}

/**
 * Deletes again what a restored backup brought back, and keeps the receipts. Answers what each receipt came to.
 * @param context `sql` is a transaction of the owner
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
  if (reason === 'asked') await closeMemberships(context.sql, account.id, context.now());
  const counts = await deleteUser(context.sql, account.id);
  const asked_at = account.closing_since ?? account.read_only_since;
  await insertDeletionReceipt(context.sql, { user_id: account.id, reason, asked_at, purged_at: context.now(), counts });
}
