import type { Statement } from '../../client/sql.ts';

/** Deliveries that wait for one webhook; the event beyond them disables it. */
export const WAITING_MAX = 100_000;

/** An event to deliver. `id` is new; `subject` is the memory it is about, whose events are delivered in order. */
export interface RecordedEvent {
  id: string;
  type: string;
  subject: string | null;
  data: object;
  at: Date;
}

/**
 * Returns the statement that writes events to the outbox of each enabled webhook of the tenant that takes them; without one it writes
 * nothing. It locks all of the tenant's enabled webhooks, lowest id first, so that two transactions cannot deadlock.
 */
export function recordEventsStatement(userId: string, events: readonly RecordedEvent[]): Statement {
  return {
    name: 'record_webhook_events',
    text: `with locked as (
        select id, events
        from webhooks
        where user_id = $1 and status = 'enabled'
        order by id
        for no key update
      ),
      event as (
        select *
        from unnest($2::uuid[], $3::text[], $4::uuid[], $5::jsonb[], $6::timestamptz[]) with ordinality
          e (id, type, subject, data, at, place)
      ),
      target as (
        update webhooks w set
          status = case when w.waiting < ${WAITING_MAX} then 'enabled' else 'disabled' end,
          disabled_reason = case when w.waiting < ${WAITING_MAX} then null else 'backlog' end,
          due_at = least(w.due_at, greatest(t.at, w.paused_until)),
          waiting = w.waiting + case when w.waiting < ${WAITING_MAX} then t.events else 0 end
        from (
          select l.id, count(*) as events, min(e.at) as at
          from locked l
          join event e on e.type = any (l.events)
          group by l.id
        ) t
        where w.user_id = $1 and w.id = t.id
        returning w.id, w.status, w.events
      )
      insert into webhook_deliveries (user_id, webhook_id, id, type, subject, data, occurred_at, next_attempt_at)
      select $1, t.id, e.id, e.type, e.subject, e.data, e.at, e.at
      from target t
      join event e on e.type = any (t.events)
      where t.status = 'enabled'
      order by e.place`,
    values: [
      userId,
      events.map(({ id }) => id),
      events.map(({ type }) => type),
      events.map(({ subject }) => subject),
      events.map(({ data }) => JSON.stringify(data)),
      events.map(({ at }) => at),
    ],
  };
}
