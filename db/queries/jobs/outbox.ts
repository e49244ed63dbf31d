import { exactlyOne, type Sql } from '../../client/sql.ts';

/** An unsent e-mail. `data` fills its template and never contains an API key. */
interface OutboxEmail {
  user_id: string;
  id: string;
  recipient: string;
  template: string;
  data: Record<string, unknown>;
  created_at: Date;
}

/** Enqueues an e-mail and the job that sends it in the caller's transaction: it is sent if and only if that commits. */
export async function insertEmail(sql: Sql, mail: OutboxEmail): Promise<void> {
  await sql.query({
    text: 'select enqueue_mail($1, $2, $3, $4, $5, $6)',
    values: [mail.user_id, mail.id, mail.recipient, mail.template, JSON.stringify(mail.data), mail.created_at],
  });
}

/**
 * Returns an e-mail and locks its row until the transaction ends; undefined when it is already sent or rejected. Runs as the
 * database owner.
 */
export async function lockUnsentEmail(sql: Sql, userId: string, id: string): Promise<OutboxEmail | undefined> {
  const result = await sql.query<OutboxEmail>({
    text: `select user_id, id, recipient, template, data, created_at
      from outbox
      where user_id = $1 and id = $2 and sent_at is null and rejected_at is null
      for update`,
    values: [userId, id],
  });
  return result.rows[0];
}

/**
 * Marks an e-mail as sent or, with a reason, as permanently rejected, and deletes its data, which may contain a one-time link. Runs as
 * the database owner.
 */
export async function completeEmail(sql: Sql, mail: OutboxEmail, rejection?: string): Promise<void> {
  await sql.query({
    text: `update outbox
      set data = '{}', last_error = $3,
        sent_at = case when $3::text is null then now() end,
        rejected_at = case when $3::text is not null then now() end
      where user_id = $1 and id = $2`,
    values: [mail.user_id, mail.id, rejection ?? null],
  });
}

/** Counts the e-mails of a template that were enqueued for a user since a time. Runs as the database owner. */
export async function countEmails(sql: Sql, userId: string, template: string, since: Date): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: 'select count(*)::int as count from outbox where user_id = $1 and template = $2 and created_at > $3',
    values: [userId, template, since],
  });
  return exactlyOne(result).count;
}

/** Deletes the e-mails that were sent or rejected before a time and returns their number. Runs as the database owner. */
export async function deleteOldEmails(sql: Sql, endedBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from outbox where coalesce(sent_at, rejected_at) < $1',
    values: [endedBefore],
  });
  return result.rowCount ?? 0;
}
