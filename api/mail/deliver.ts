import type { Sql } from '../../db/client/sql.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import { completeEmail, deleteOldEmails, lockUnsentEmail } from '../../db/queries/jobs/outbox.ts';
import { DAY_MS } from '../time.ts';
import { renderEmail } from './templates.ts';
import { EmailRejectedError, type MailTransport } from './transport.ts';

/** Days that an e-mail is kept in the outbox after it was sent or rejected. */
export const EMAIL_DAYS_KEPT = 30;

/**
 * Sends an e-mail of the outbox unless it is already sent or rejected. Its row stays locked meanwhile, so that no second worker
 * sends it too. A permanent rejection is recorded; any other failure is thrown, so that the job is retried.
 * @param publicUrl base URL of the links in the e-mail
 */
export async function deliver(
  sql: Sql,
  transport: MailTransport,
  publicUrl: string,
  userId: string,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  const row = await lockUnsentEmail(sql, userId, id);
  if (!row) return;
  try {
    const { supportEmail } = transport;
    const user = supportEmail && (await findUser(sql, userId));
    const support = user ? { email: supportEmail, plan: user.plan } : undefined;
    const email = renderEmail(row.template, row.data, publicUrl, support);
    await transport.send({ id, to: row.recipient, date: row.created_at, ...email }, signal);
    await completeEmail(sql, row);
  } catch (error) {
    if (!(error instanceof EmailRejectedError)) throw error;
    await completeEmail(sql, row, error.message);
  }
}

/** Deletes the e-mails that were sent or rejected {@link EMAIL_DAYS_KEPT} days ago and returns their number. Runs as the database owner. */
export function deleteExpiredEmails(sql: Sql, now: Date): Promise<number> {
  return deleteOldEmails(sql, new Date(now.getTime() - EMAIL_DAYS_KEPT * DAY_MS));
}
