import { exactlyOne, type Sql } from '../../client/sql.ts';

/** `failed`: the last attempt failed, and the operator must act; `rejected`: the mail server did not accept it. */
export type EmailState = 'pending' | 'failed' | 'rejected' | 'sent';

/** An e-mail of the outbox without its data. */
export interface ListedEmailRow {
  user_id: string;
  id: string;
  recipient: string;
  template: string;
  state: EmailState;
  created_at: Date;
  sent_at: Date | null;
  rejected_at: Date | null;
  attempts: number;
  last_error: string | null;
}

/** E-mails with their state, which is read from the queue. */
const WITH_STATE = `select
          o.user_id,
          o.id,
          o.recipient,
          o.template,
          o.created_at,
          o.sent_at,
          o.rejected_at,
          coalesce(j.attempts, 0)::int as attempts,
          coalesce(o.last_error, j.last_error) as last_error,
          case
            when o.sent_at is not null then 'sent'
            when o.rejected_at is not null then 'rejected'
            when j.attempts < j.max_attempts or j.locked_at is not null then 'pending'
            else 'failed'
          end as state
        from outbox o
        left join graphile_worker.jobs j on j.key = 'mail:' || o.id`;

/** Position of an e-mail in the list. */
interface EmailPosition {
  created_at: Date;
  id: string;
}

/** Lists e-mails, newest first, of one state or user or all, after a position. Runs as the database owner. */
export async function listEmails(
  sql: Sql,
  {
    state,
    userId,
    limit,
    after,
  }: {
    state?: EmailState | undefined;
    userId?: string | undefined;
    limit: number;
    after?: EmailPosition | undefined;
  },
): Promise<ListedEmailRow[]> {
  const result = await sql.query<ListedEmailRow>({
    text: `select *
      from (
        ${WITH_STATE}
      ) m
      where ($1::text is null or state = $1)
        and ($2::uuid is null or user_id = $2)
        and ($4::timestamptz is null or (created_at, id) < ($4, $5))
      order by created_at desc, id desc
      limit $3`,
    values: [state ?? null, userId ?? null, limit, after?.created_at ?? null, after?.id ?? null],
  });
  return result.rows;
}

/** Returns the state of an e-mail and locks its row; undefined when there is none. Runs as the database owner. */
export async function lockEmailState(sql: Sql, userId: string, id: string): Promise<EmailState | undefined> {
  const result = await sql.query<{ state: EmailState }>({
    text: `${WITH_STATE}
        where o.user_id = $1 and o.id = $2
        for update of o`,
    values: [userId, id],
  });
  return result.rows[0]?.state;
}

/** Counts the e-mails that are not sent, by state. Runs as the database owner. */
export async function countUnsentEmails(sql: Sql): Promise<Record<'pending' | 'failed' | 'rejected', number>> {
  const count = (state: EmailState) => `(count(*) filter (where state = '${state}'))::int as ${state}`;
  const result = await sql.query<Record<'pending' | 'failed' | 'rejected', number>>({
    text: `select ${count('pending')}, ${count('failed')}, ${count('rejected')}
      from (
        ${WITH_STATE}
        where o.sent_at is null
      ) m`,
  });
  return exactlyOne(result);
}
