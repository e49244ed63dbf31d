import type { Sql } from '../../client/sql.ts';
import type { DisabledReason } from './webhooks.ts';

/*
 * The work of the deliverer. It holds a webhook by a lease, so one worker at a time delivers to it. A worker that is killed lets its
 * lease run out, and its deliveries are attempted again. All statements run as the database owner.
 */

/** A webhook that a worker holds. */
export interface LeasedWebhook {
  user_id: string;
  id: string;
  url: string;
  secret: string;
  /** Signs too, during a rotation. */
  previous_secret: string | null;
  status: 'enabled' | 'disabled';
  disabled_reason: DisabledReason | null;
  /** Attempts that failed since the last success. */
  failures: number;
  lease_id: string;
}

/** Leases webhooks that are due, those that wait longest first. */
export async function leaseWebhooks(
  sql: Sql,
  { now, leaseId, until, limit }: { now: Date; leaseId: string; until: Date; limit: number },
): Promise<LeasedWebhook[]> {
  const result = await sql.query<LeasedWebhook>({
    name: 'lease_webhooks',
    text: `with due as (
        select user_id, id
        from webhooks
        where due_at <= $1 and (leased_until is null or leased_until <= $1)
        order by due_at
        limit $4
        for no key update skip locked
      )
      update webhooks w
      set lease_id = $2, leased_until = $3
      from due d
      where w.user_id = d.user_id and w.id = d.id
      returning w.user_id, w.id, w.url, w.secret, w.status, w.disabled_reason, w.failures, w.lease_id,
        case when w.previous_secret_expires_at > $1 then w.previous_secret end as previous_secret`,
    values: [now, leaseId, until, limit],
  });
  return result.rows;
}

/** A delivery to attempt. */
export interface DueDelivery {
  id: string;
  type: string;
  data: object;
  occurred_at: Date;
  attempts: number;
  first_attempt_at: Date | null;
}

/** Deliveries that are looked through for some that may be attempted: one memory's may wait for each other. */
const SCAN = 500;

const BLOCKED = `exists (
          select
          from webhook_deliveries e
          where e.user_id = d.user_id
            and e.webhook_id = d.webhook_id
            and e.state = 'pending'
            and e.subject = d.subject
            and e.position < d.position
        )`;

const due = (columns: string) => `select ${columns}
        from webhook_deliveries
        where user_id = $1 and webhook_id = $2 and state = 'pending' and next_attempt_at <= $3
        order by next_attempt_at, position
        limit ${SCAN}`;

/** Lists deliveries that are due, oldest first, of each memory only the first that waits. */
export async function listDueDeliveries(
  sql: Sql,
  { user_id, id }: LeasedWebhook,
  now: Date,
  limit: number,
): Promise<DueDelivery[]> {
  const result = await sql.query<DueDelivery>({
    name: 'list_due_deliveries',
    text: `select id, type, data, occurred_at, attempts, first_attempt_at
      from (
        ${due('*')}
      ) d
      where not ${BLOCKED}
      order by next_attempt_at, position
      limit $4`,
    values: [user_id, id, now, limit],
  });
  return result.rows;
}

/** Moves due deliveries that wait for an earlier one of their memory to the time of its next attempt. Returns how many were moved. */
export async function deferBlockedDeliveries(sql: Sql, { user_id, id }: LeasedWebhook, now: Date): Promise<number> {
  const result = await sql.query({
    name: 'defer_blocked_deliveries',
    text: `with blocked as (
        select d.id, (
          select e.next_attempt_at
          from webhook_deliveries e
          where e.user_id = $1 and e.webhook_id = $2 and e.state = 'pending' and e.subject = d.subject
          order by e.position
          limit 1
        ) as until
        from (
          ${due('id, subject, position')}
        ) d
      )
      update webhook_deliveries d
      set next_attempt_at = b.until
      from blocked b
      where d.user_id = $1 and d.webhook_id = $2 and d.id = b.id and d.state = 'pending' and b.until > $3`,
    values: [user_id, id, now],
  });
  return result.rowCount ?? 0;
}

/** The outcome of an attempt. */
export interface Attempt {
  deliveryId: string;
  durationMs: number;
  responseStatus: number | null;
  /** Undefined for a success. */
  error?: string;
}

/** Records deliveries as made. Does nothing when the lease was lost. */
export async function recordDelivered(
  sql: Sql,
  { user_id, id, lease_id }: LeasedWebhook,
  attempts: readonly Attempt[],
  at: Date,
): Promise<void> {
  await sql.query({
    name: 'record_delivered',
    text: `with webhook as (
        update webhooks
        set waiting = greatest(0, waiting - cardinality($4::uuid[])), failures = 0, failing_since = null, paused_until = null,
          last_delivered_at = $5
        where user_id = $1 and id = $2 and lease_id = $3
        returning id
      )
      update webhook_deliveries d
      set state = 'delivered', attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, $5),
        last_attempt_at = $5, next_attempt_at = null, response_status = a.status, duration_ms = a.duration_ms, error = null,
        finished_at = $5
      from webhook w, unnest($4::uuid[], $6::integer[], $7::integer[]) a (id, status, duration_ms)
      where d.user_id = $1 and d.webhook_id = w.id and d.id = a.id and d.state = 'pending'`,
    values: [
      user_id,
      id,
      lease_id,
      attempts.map(({ deliveryId }) => deliveryId),
      at,
      attempts.map(({ responseStatus }) => responseStatus),
      attempts.map(({ durationMs }) => durationMs),
    ],
  });
}

/** Consequences of a failed attempt. */
interface Failure {
  at: Date;
  /** Null: the delivery is given up. */
  nextAttemptAt: Date | null;
  /** Nothing is delivered to the webhook until then. */
  pausedUntil: Date | null;
}

/** Records a failed attempt. Returns since when attempts fail; undefined when the lease was lost. */
export async function recordFailure(
  sql: Sql,
  { user_id, id, lease_id }: LeasedWebhook,
  { deliveryId, durationMs, responseStatus, error }: Attempt,
  { at, nextAttemptAt, pausedUntil }: Failure,
): Promise<Date | undefined> {
  const webhook = await sql.query<{ failing_since: Date }>({
    name: 'record_failure_of_webhook',
    text: `update webhooks
      set failures = failures + 1, failing_since = coalesce(failing_since, $4),
        paused_until = greatest(paused_until, $5::timestamptz),
        waiting = greatest(0, waiting - case when $6 then 1 else 0 end)
      where user_id = $1 and id = $2 and lease_id = $3
      returning failing_since`,
    values: [user_id, id, lease_id, at, pausedUntil, nextAttemptAt === null],
  });
  const [held] = webhook.rows;
  if (!held) return undefined;
  await sql.query({
    name: 'record_failure',
    text: `update webhook_deliveries
      set state = case when $5::timestamptz is null then 'failed' else 'pending' end,
        attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, $4), last_attempt_at = $4,
        next_attempt_at = $5, response_status = $6, duration_ms = $7, error = $8,
        finished_at = case when $5::timestamptz is null then $4::timestamptz end
      where user_id = $1 and webhook_id = $2 and id = $3 and state = 'pending'`,
    values: [user_id, id, deliveryId, at, nextAttemptAt, responseStatus, durationMs, error ?? null],
  });
  return held.failing_since;
}

/** Disables a webhook. Returns whether it was enabled. */
export async function disableWebhook(
  sql: Sql,
  { user_id, id }: LeasedWebhook,
  reason: DisabledReason,
  at: Date,
): Promise<boolean> {
  const result = await sql.query({
    text: `update webhooks
      set status = 'disabled', disabled_reason = $3, updated_at = $4
      where user_id = $1 and id = $2 and status = 'enabled'`,
    values: [user_id, id, reason, at],
  });
  return result.rowCount === 1;
}

/**
 * Ends a lease and makes the webhook due when its next delivery is. It locks the webhook first and then looks for deliveries, so it sees
 * those of every transaction that the webhook was locked by.
 */
export async function releaseWebhook(sql: Sql, { user_id, id, lease_id }: LeasedWebhook): Promise<void> {
  await sql.query({
    name: 'lock_leased_webhook',
    text: `select
      from webhooks
      where user_id = $1 and id = $2
      for no key update`,
    values: [user_id, id],
  });
  await sql.query({
    name: 'release_webhook',
    text: `update webhooks w
      set lease_id = null, leased_until = null,
        due_at = case when status = 'enabled' then (
          select greatest(d.next_attempt_at, w.paused_until)
          from webhook_deliveries d
          where d.user_id = $1 and d.webhook_id = $2 and d.state = 'pending'
          order by d.next_attempt_at, d.position
          limit 1
        ) end
      where user_id = $1 and id = $2 and lease_id = $3`,
    values: [user_id, id, lease_id],
  });
}
