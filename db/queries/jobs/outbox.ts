import { exactlyOne, type Sql } from '../../client/sql.ts';

/** A mail on its way. `data` fills its template and never holds a secret. */
export interface OutboxEmail {
  user_id: string;
  id: string;
  recipient: string;
  template: string;
  data: Record<string, unknown>;
  created_at: Date;
}

/** Writes a mail and the job that sends it, both in the caller's transaction: it goes out if and only if that commits. */
export async function insertEmail(sql: Sql, mail: OutboxEmail): Promise<void> {
  await sql.query({
    text: 'select enqueue_mail($1, $2, $3, $4, $5, $6)',
    values: [mail.user_id, mail.id, mail.recipient, mail.template, JSON.stringify(mail.data), mail.created_at],
  });
}

/** A mail that is neither sent nor refused, held until the transaction ends; undefined when it is done with. As the owner. */
export async function lockUnsentEmail(sql: Sql, userId: string, id: string): Promise<OutboxEmail | undefined> {
  const result = await sql.query<OutboxEmail>({
    text: `select user_id, id, recipient, template, data, created_at from outbox
      where user_id = $1 and id = $2 and sent_at is null and refused_at is null for update`,
    values: [userId, id],
  });
  return result.rows[0];
}

/** Notes how a mail ended: sent, or refused for good. What filled it is forgotten: it may have held a one-time link. As the owner. */
export async function completeEmail(sql: Sql, mail: OutboxEmail, refusal?: string): Promise<void> {
  await sql.query({
    text: `update outbox set data = '{}', sent_at = case when $3::text is null then now() end,
        refused_at = case when $3::text is not null then now() end, last_error = $3 where user_id = $1 and id = $2`,
    values: [mail.user_id, mail.id, refusal ?? null],
  });
}

/** How many mails of a template were written to a user since. As the owner. */
export async function countEmails(sql: Sql, userId: string, template: string, since: Date): Promise<number> {
  const result = await sql.query<{ count: number }>({
    text: 'select count(*)::int as count from outbox where user_id = $1 and template = $2 and created_at > $3',
    values: [userId, template, since],
  });
  return exactlyOne(result).count;
}

/** Deletes the mails that ended before this. Answers how many. As the owner. */
export async function deleteOldEmails(sql: Sql, endedBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from outbox where coalesce(sent_at, refused_at) < $1',
    values: [endedBefore],
  });
  return result.rowCount ?? 0;
}
