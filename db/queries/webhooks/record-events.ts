import type { Statement } from '../../client/sql.ts';

/** Deliveries that wait for one webhook; the event beyond them disables it. */
export const WAITING_MAX = 100_000;

/** An event to deliver. `id` is new; `subject` is the memory it is about, whose events are delivered in order. */
export interface RecordedEvent {
  id: string;
  subject: string | null;
  data: object;
}

/**
 * Returns the statement that writes events of one type to the outbox of each enabled webhook of the tenant that takes them; without one
 * it writes nothing. It locks all of the tenant's enabled webhooks, lowest id first, so that two transactions cannot deadlock.
 */
export function recordEventsStatement(
  userId: string,
  type: string,
  events: readonly RecordedEvent[],
  at: Date,
): Statement {
  return {
    name: 'record_webhook_events',
    text: `with locked as (
        select id
        from webhooks
        where user_id = $1 and status = 'enabled'
        order by id
        for no key update
      ),
      target as (
        update webhooks w set
          status = case when w.waiting < ${WAITING_MAX} then 'enabled' else 'disabled' end,
          disabled_reason = case when w.waiting < ${WAITING_MAX} then null else 'backlog' end,
          due_at = least(w.due_at, greatest($6::timestamptz, w.paused_until)),
          waiting = w.waiting + case when w.waiting < ${WAITING_MAX} then cardinality($3::uuid[]) else 0 end
        from locked l
        where w.user_id = $1 and w.id = l.id and $2 = any (w.events)
        returning w.id, w.status
      )
      insert into webhook_deliveries (user_id, webhook_id, id, type, subject, data, occurred_at, next_attempt_at)
      select $1, t.id, e.id, $2, e.subject, e.data, $6, $6
      from target t
      cross join unnest($3::uuid[], $4::uuid[], $5::jsonb[]) with ordinality e (id, subject, data, place)
      where t.status = 'enabled'
      order by e.place`,
    values: [
      userId,
      type,
      events.map(({ id }) => id),
      events.map(({ subject }) => subject),
      events.map(({ data }) => JSON.stringify(data)),
      at,
    ],
  };
}
