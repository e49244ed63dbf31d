import { exactlyOne, type Sql } from '../../client/sql.ts';

export type DeliveryState = 'pending' | 'delivered' | 'failed';

/** An event for one webhook, and what became of it. Its id is that of the event. */
export interface DeliveryRow {
  id: string;
  position: string;
  type: string;
  subject: string | null;
  data: object;
  occurred_at: Date;
  state: DeliveryState;
  attempts: number;
  last_attempt_at: Date | null;
  next_attempt_at: Date | null;
  response_status: number | null;
  duration_ms: number | null;
  error: string | null;
}

const COLUMNS = `id, position, type, subject, data, occurred_at, state, attempts, last_attempt_at, next_attempt_at,
  response_status, duration_ms, error`;

/** Lists the deliveries of a webhook, newest first, those before a position. */
export async function listDeliveries(
  sql: Sql,
  userId: string,
  webhookId: string,
  { state, before, limit }: { state: DeliveryState | undefined; before: string | undefined; limit: number },
): Promise<DeliveryRow[]> {
  const result = await sql.query<DeliveryRow>({
    text: `select ${COLUMNS}
      from webhook_deliveries
      where user_id = $1
        and webhook_id = $2
        and ($3::text is null or state = $3)
        and ($4::bigint is null or position < $4)
      order by position desc
      limit $5`,
    values: [userId, webhookId, state ?? null, before ?? null, limit],
  });
  return result.rows;
}

/** Adds a delivery that only this webhook gets, and makes the webhook due. The webhook is locked. */
export async function insertDelivery(
  sql: Sql,
  userId: string,
  webhookId: string,
  { id, type, data, at }: { id: string; type: string; data: object; at: Date },
): Promise<DeliveryRow> {
  await addWaiting(sql, userId, webhookId, at);
  const result = await sql.query<DeliveryRow>({
    text: `insert into webhook_deliveries (user_id, webhook_id, id, type, data, occurred_at, next_attempt_at)
      values ($1, $2, $3, $4, $5, $6, $6)
      returning ${COLUMNS}`,
    values: [userId, webhookId, id, type, JSON.stringify(data), at],
  });
  return exactlyOne(result);
}

/** Makes a delivery due at once, whatever became of it. The webhook is locked. Returns undefined when there is none. */
export async function replayDelivery(
  sql: Sql,
  userId: string,
  webhookId: string,
  id: string,
  at: Date,
): Promise<DeliveryRow | undefined> {
  const found = await sql.query<{ state: DeliveryState }>({
    text: `select state
      from webhook_deliveries
      where user_id = $1 and webhook_id = $2 and id = $3
      for update`,
    values: [userId, webhookId, id],
  });
  const [former] = found.rows;
  if (!former) return undefined;
  await addWaiting(sql, userId, webhookId, at, former.state === 'pending' ? 0 : 1);
  const result = await sql.query<DeliveryRow>({
    text: `update webhook_deliveries
      set state = 'pending', attempts = 0, first_attempt_at = null, finished_at = null, next_attempt_at = $4
      where user_id = $1 and webhook_id = $2 and id = $3
      returning ${COLUMNS}`,
    values: [userId, webhookId, id, at],
  });
  return result.rows[0];
}

async function addWaiting(sql: Sql, userId: string, webhookId: string, at: Date, added = 1): Promise<void> {
  await sql.query({
    text: `update webhooks
      set waiting = waiting + $3, paused_until = null, due_at = $4
      where user_id = $1 and id = $2`,
    values: [userId, webhookId, added, at],
  });
}

/**
 * Deletes deliveries of events before a time, at most `limit`, also those that still wait for a disabled webhook. Returns their number.
 * Runs as the database owner.
 */
export async function deleteOldDeliveries(sql: Sql, occurredBefore: Date, limit: number): Promise<number> {
  const result = await sql.query<{ deleted: number }>({
    text: `with old as (
        select user_id, webhook_id, id
        from webhook_deliveries
        where occurred_at < $1
        order by occurred_at
        limit $2
        for update skip locked
      ),
      deleted as (
        delete from webhook_deliveries d
        using old o
        where d.user_id = o.user_id and d.webhook_id = o.webhook_id and d.id = o.id
        returning d.user_id, d.webhook_id, d.state
      ),
      counted as (
        update webhooks w
        set waiting = greatest(0, w.waiting - d.waiting)
        from (
          select user_id, webhook_id, count(*) as waiting
          from deleted
          where state = 'pending'
          group by user_id, webhook_id
        ) d
        where w.user_id = d.user_id and w.id = d.webhook_id
      )
      select count(*)::integer as deleted
      from deleted`,
    values: [occurredBefore, limit],
  });
  return exactlyOne(result).deleted;
}
