import { type AccountLifecycleRow, findAccountLifecycle } from '../../db/queries/accounts/lifecycle.ts';
import { deleteSessionsOf } from '../../db/queries/accounts/sessions.ts';
import { type UserStatus, updateAccountStatus } from '../../db/queries/accounts/users.ts';
import { enqueue } from '../../db/queries/jobs/job-queue.ts';
import { purgeAccountJob } from '../../db/queries/jobs/job-types.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { invalidField, Problem } from '../errors.ts';
import { READ_ONLY_DAYS } from '../limits/plans.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { DAY_MS } from '../time.ts';

type WriteContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/**
 * Makes an account read-only after its last plan has ended; its data is kept for {@link READ_ONLY_DAYS} days. Idempotent. An
 * account that is being closed keeps its status.
 * @param context `sql` is a transaction of the database owner
 * @param reason for the audit log, such as `membership_expired`
 * @param manageUrl page on which the plan can be renewed, for the e-mail
 */
export async function deactivate(
  context: WriteContext,
  userId: string,
  reason: string,
  manageUrl: string | null = null,
): Promise<void> {
  const account = await findAccountLifecycle(context.sql, userId, true);
  if (!account || account.status === 'deleted' || account.read_only_since) return;
  const { purge_at } = await applyStatus(context, { ...account, read_only_since: context.now() });
  await audit(context, userId, { actor: 'job', action: 'account.deactivate', target: userId, details: { reason } });
  // The e-mail about closing the account already named the purge date.
  if (account.closing_since) return;
  const data = { access_until: null, manage_url: manageUrl, purge_at: purge_at?.toISOString() ?? null };
  await mailOwner(context, account, 'cancellation', data);
}

/**
 * Reactivates a read-only account that has a plan again; its data is unchanged. Idempotent. An account that is being closed
 * keeps its status until it is restored.
 * @param context `sql` is a transaction of the database owner
 */
export async function reactivate(context: WriteContext, userId: string): Promise<void> {
  const account = await findAccountLifecycle(context.sql, userId, true);
  if (!account || account.status === 'deleted' || !account.read_only_since) return;
  await applyStatus(context, { ...account, read_only_since: null });
  await audit(context, userId, { actor: 'job', action: 'account.reactivate', target: userId });
}

/**
 * Closes the caller's account: its keys and sessions can only export and restore it, and it is purged after {@link READ_ONLY_DAYS} days.
 * With `immediate` its keys stop working now, its sessions end, and it is purged once its last e-mail is sent.
 * @throws Problem `unprocessable` unless `confirm` is the account's id
 */
export async function close(context: RequestContext, caller: Caller, input: { confirm: string; immediate: boolean }) {
  if (input.confirm !== caller.userId)
    throw invalidField('confirm', 'must be the id of your account, from GET /user/me');
  return closeAccount(context, caller.userId, actorOf(caller), input.immediate);
}

/** Closes any account, as {@link close} does; `actor` is written to the audit log. @throws Problem `not_found` */
export async function closeAccount(context: WriteContext, userId: string, actor: string, immediate: boolean) {
  const account = await lockAccount(context, userId);
  if (account.status === 'deleted' || (account.closing_since && !immediate)) return toAccountStatus(account);
  const closing = { ...account, closing_since: account.closing_since ?? context.now() };
  const closed = immediate ? await schedulePurge(context, closing) : await applyStatus(context, closing);
  // The owner undoes it where they are signed in.
  if (immediate) await deleteSessionsOf(context.sql, userId);
  await audit(context, userId, { actor, action: 'account.delete', target: userId, details: { immediate } });
  await mailOwner(context, account, 'account_deleted', {
    purge_at: (closed.purge_at ?? context.now()).toISOString(),
    restore_url: immediate ? null : '/app/account',
  });
  return toAccountStatus(closed);
}

/** Reverts {@link close} for the caller's account. An account that is not being closed stays as it is. */
export function restore(context: RequestContext, caller: Caller) {
  return restoreAccount(context, caller.userId, actorOf(caller));
}

/** Restores any account, as {@link restore} does; `actor` is written to the audit log. @throws Problem `not_found` */
export async function restoreAccount(context: WriteContext, userId: string, actor: string) {
  const account = await lockAccount(context, userId);
  if (account.status !== 'closing') return toAccountStatus(account);
  const restored = await applyStatus(context, { ...account, closing_since: null });
  await audit(context, userId, { actor, action: 'account.restore', target: userId });
  return toAccountStatus(restored);
}

async function lockAccount(context: WriteContext, userId: string): Promise<AccountLifecycleRow> {
  const account = await findAccountLifecycle(context.sql, userId, true);
  if (!account) throw new Problem('not_found', { detail: 'This account no longer exists.' });
  return account;
}

/** Derives status and purge date from the account's two dates and stores them. */
async function applyStatus(context: WriteContext, account: AccountLifecycleRow): Promise<AccountLifecycleRow> {
  const from = account.closing_since ?? account.read_only_since;
  const status = account.closing_since ? 'closing' : account.read_only_since ? 'read_only' : 'active';
  return writeStatus(context, account, status, from && new Date(from.getTime() + READ_ONLY_DAYS * DAY_MS));
}

/** Marks an account as deleted and enqueues the job that purges it. */
async function schedulePurge(context: WriteContext, account: AccountLifecycleRow): Promise<AccountLifecycleRow> {
  await enqueue(context.sql, purgeAccountJob, { user_id: account.id }, { key: `purge:${account.id}` });
  return writeStatus(context, account, 'deleted', context.now());
}

async function writeStatus(
  context: WriteContext,
  account: AccountLifecycleRow,
  status: UserStatus,
  purge_at: Date | null,
): Promise<AccountLifecycleRow> {
  const written = { ...account, status, purge_at };
  await updateAccountStatus(context.sql, account.id, status, context.now(), written);
  return written;
}

function toAccountStatus({ status, purge_at }: AccountLifecycleRow) {
  return { status, purge_at: purge_at?.toISOString() ?? null };
}
