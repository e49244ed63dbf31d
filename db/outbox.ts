import type { Sql } from './sql.ts';

/** A mail on its way. `data` fills its template and never holds a secret. */
export interface OutboxMail {
  user_id: string;
  id: string;
  recipient: string;
  template: string;
  data: Record<string, unknown>;
  created_at: Date;
}

/** Name of the job that sends an outbox row. */
export const SEND_MAIL_JOB = 'send_mail';

/** Writes a mail and the job that sends it, both in the caller's transaction: it goes out if and only if that commits. */
export async function insertMail(sql: Sql, mail: OutboxMail): Promise<void> {
  await sql.query({
    text: 'select enqueue_mail($1, $2, $3, $4, $5, $6)',
    values: [mail.user_id, mail.id, mail.recipient, mail.template, JSON.stringify(mail.data), mail.created_at],
  });
}

/** A mail that is neither sent nor refused, held until the transaction ends; undefined when it is done with. As the owner. */
export async function lockUnsentMail(sql: Sql, userId: string, id: string): Promise<OutboxMail | undefined> {
  const result = await sql.query<OutboxMail>({
    text: `select user_id, id, recipient, template, data, created_at from outbox
      where user_id = $1 and id = $2 and sent_at is null and refused_at is null for update`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** Notes how a mail ended: sent, or refused for good. As the owner. */
export async function settleMail(sql: Sql, mail: OutboxMail, refusal?: string): Promise<void> {
  await sql.query({
    text: `update outbox set sent_at = case when $3::text is null then now() end,
        refused_at = case when $3::text is not null then now() end, last_error = $3 where user_id = $1 and id = $2`,
    values: [mail.user_id, mail.id, refusal ?? null],
  });
}
