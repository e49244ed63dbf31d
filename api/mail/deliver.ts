import { lockUnsentMail, settleMail } from '../../db/outbox.ts';
import type { Sql } from '../../db/sql.ts';
import { renderLetter } from './templates.ts';
import { MailRefused, type Transport } from './transport.ts';

/**
 * Sends a mail of the outbox unless it is done with. Its row stays locked meanwhile, so no second worker sends it too. A refusal
 * for good settles it; any other failure is thrown, for the job to be tried again.
 */
export async function deliver(
  sql: Sql,
  transport: Transport,
  userId: string,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  const mail = await lockUnsentMail(sql, userId, id);
  if (!mail) return;
  try {
    const letter = renderLetter(mail.template, mail.data);
    await transport.send({ id, to: mail.recipient, date: mail.created_at, ...letter }, signal);
    await settleMail(sql, mail);
  } catch (error) {
    if (!(error instanceof MailRefused)) throw error;
    await settleMail(sql, mail, error.message);
  }
}
