import { exactlyOne, type Sql } from '../../client/sql.ts';
import { enqueue } from '../jobs/job-queue.ts';
import { processWebhookJob, reconcileMembershipsJob } from '../jobs/job-types.ts';

/** Attempts until a webhook is a dead letter: about half a day with exponential backoff. */
export const WEBHOOK_ATTEMPTS_MAX = 12;

/** A received webhook; repeated deliveries share one row. */
interface WebhookRow {
  /** Whop's id, the same for each delivery and replay. */
  webhook_id: string;
  type: string;
  payload: unknown;
  received_at: Date;
  deliveries: number;
  /** The event does not concern this service. */
  ignored: boolean;
  processed_at: Date | null;
  attempts: number;
  last_error: string | null;
}

/** `dead`: the last attempt failed, and the operator must act. */
export type WebhookState = 'pending' | 'processed' | 'ignored' | 'dead';

const COLUMNS = 'webhook_id, type, received_at, deliveries, ignored, processed_at, attempts, last_error';

/**
 * Stores a webhook, or counts another delivery of it, and returns whether it must be processed: it is neither ignored nor processed
 * yet. Runs as the database owner.
 * @param payload JSON text
 */
export async function receiveWebhook(
  sql: Sql,
  webhook: { id: string; type: string; payload: string; ignored: boolean; at: Date },
): Promise<boolean> {
  const result = await sql.query<{ open: boolean }>({
    name: 'receive_webhook',
    text: `insert into webhook_inbox as w (webhook_id, type, payload, received_at, ignored)
      values ($1, $2, $3, $4, $5)
      on conflict (webhook_id) do update
      set deliveries = w.deliveries + 1
      returning processed_at is null and not ignored as open`,
    values: [webhook.id, webhook.type, webhook.payload, webhook.at, webhook.ignored],
  });
  return exactlyOne(result).open;
}

/**
 * Enqueues the processing of a webhook, or resets its attempts. Webhooks with the same queue key are processed one at a time. Runs as
 * the database owner.
 */
export async function enqueueWebhook(sql: Sql, webhookId: string, queueKey: string): Promise<void> {
  await enqueue(
    sql,
    processWebhookJob,
    { webhook_id: webhookId },
    { key: `webhook:${webhookId}`, queueName: `whop:${queueKey}`, maxAttempts: WEBHOOK_ATTEMPTS_MAX },
  );
}

/** Returns a webhook with its payload. Runs as the database owner. */
export async function findWebhook(sql: Sql, id: string): Promise<WebhookRow | undefined> {
  const result = await sql.query<WebhookRow>({
    text: `select ${COLUMNS}, payload from webhook_inbox where webhook_id = $1`,
    values: [id],
  });
  return result.rows[0];
}

/** Marks a webhook as processed, in the transaction that processes it. Runs as the database owner. */
export async function markWebhookProcessed(sql: Sql, id: string, now: Date): Promise<void> {
  await sql.query({
    text: `update webhook_inbox
      set processed_at = $2, attempts = attempts + 1, last_error = null
      where webhook_id = $1`,
    values: [id, now],
  });
}

/** Records a failed attempt. Runs as the database owner. */
export async function recordWebhookFailure(sql: Sql, id: string, error: string): Promise<void> {
  await sql.query({
    text: `update webhook_inbox
      set attempts = attempts + 1, last_error = $2
      where webhook_id = $1 and processed_at is null`,
    values: [id, error],
  });
}

/** A webhook without its payload. */
export type ListedWebhookRow = Omit<WebhookRow, 'payload'> & { state: WebhookState };

/** Webhooks with their state, which is read from the queue: a process that is killed during the last attempt does not record it here. */
const WITH_STATE = `select ${COLUMNS},
          case
            when processed_at is not null then 'processed'
            when ignored then 'ignored'
            when exists (
              select
              from graphile_worker.jobs j
              where j.key = 'webhook:' || webhook_id and (j.attempts < j.max_attempts or j.locked_at is not null)
            ) then 'pending'
            else 'dead'
          end as state
        from webhook_inbox`;

/** Position of a webhook in the list. */
interface WebhookPosition {
  received_at: Date;
  webhook_id: string;
}

/** Lists webhooks without their payloads, newest first, of one state or all, after a position. Runs as the database owner. */
export async function listWebhooks(
  sql: Sql,
  { state, limit, after }: { state?: WebhookState | undefined; limit: number; after?: WebhookPosition | undefined },
): Promise<ListedWebhookRow[]> {
  const result = await sql.query<ListedWebhookRow>({
    text: `select *
      from (
        ${WITH_STATE}
      ) w
      where ($1::text is null or state = $1)
        and ($3::timestamptz is null or (received_at, webhook_id) < ($3, $4))
      order by received_at desc, webhook_id desc
      limit $2`,
    values: [state ?? null, limit, after?.received_at ?? null, after?.webhook_id ?? null],
  });
  return result.rows;
}

/** Returns a webhook's state and fields without its payload. Runs as the database owner. */
export async function findListedWebhook(sql: Sql, id: string): Promise<ListedWebhookRow | undefined> {
  const result = await sql.query<ListedWebhookRow>({
    text: `${WITH_STATE}
        where webhook_id = $1`,
    values: [id],
  });
  return result.rows[0];
}

/** Counts the webhooks that wait and those that failed for good. Runs as the database owner. */
export async function countOpenWebhooks(sql: Sql): Promise<{ pending: number; dead: number }> {
  const result = await sql.query<{ pending: number; dead: number }>({
    text: `select
        (count(*) filter (where state = 'pending'))::int as pending,
        (count(*) filter (where state = 'dead'))::int as dead
      from (
        ${WITH_STATE}
        where processed_at is null and not ignored
      ) w`,
  });
  return exactlyOne(result);
}

/** Deletes the webhooks received before a time and returns their number. Runs as the database owner. */
export async function deleteOldWebhooks(sql: Sql, receivedBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from webhook_inbox where received_at < $1',
    values: [receivedBefore],
  });
  return result.rowCount ?? 0;
}

/** Enqueues the comparison of all memberships with Whop's, unless it is enqueued already. Runs as the database owner. */
export async function enqueueReconciliation(sql: Sql): Promise<void> {
  const { name } = reconcileMembershipsJob;
  await enqueue(sql, reconcileMembershipsJob, {}, { key: name, queueName: name, maxAttempts: 5 });
}
