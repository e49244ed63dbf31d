import type { Sql } from '../../db/client/sql.ts';
import { completeEmail, deleteOldEmails, lockUnsentEmail } from '../../db/queries/jobs/outbox.ts';
import { DAY_MS } from '../time.ts';
import { renderLetter } from './templates.ts';
import { MailRefused, type Transport } from './transport.ts';

/** How long it is remembered that a mail was sent, or refused. */
export const MAIL_DAYS_KEPT = 30;

/**
 * Sends a mail of the outbox unless it is done with. Its row stays locked meanwhile, so no second worker sends it too. A refusal
 * for good settles it; any other failure is thrown, for the job to be tried again.
 * @param publicUrl of this service, for the addresses in the mail
 */
export async function deliver(
  sql: Sql,
  transport: Transport,
  publicUrl: string,
  userId: string,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  const mail = await lockUnsentEmail(sql, userId, id);
  if (!mail) return;
  try {
    const letter = renderLetter(mail.template, mail.data, publicUrl);
    await transport.send({ id, to: mail.recipient, date: mail.created_at, ...letter }, signal);
    await completeEmail(sql, mail);
  } catch (error) {
    if (!(error instanceof MailRefused)) throw error;
    await completeEmail(sql, mail, error.message);
  }
}

/** Forgets the mails that ended {@link MAIL_DAYS_KEPT} days ago. Answers how many. As the owner. */
export function forgetOldMails(sql: Sql, now: Date): Promise<number> {
  return deleteOldEmails(sql, new Date(now.getTime() - MAIL_DAYS_KEPT * DAY_MS));
}
