import { exactlyOne, type Sql } from '../../client/sql.ts';
import { enqueue } from '../jobs/job-queue.ts';
import { processWebhookJob, reconcileMembershipsJob } from '../jobs/job-types.ts';

/** Tries until a webhook is a dead letter: half a day, with growing pauses. */
export const WEBHOOK_TRIES = 12;

/** What Whop told, once. */
export interface WebhookRow {
  /** Whop's own: the same for each delivery and replay. */
  webhook_id: string;
  type: string;
  payload: unknown;
  received_at: Date;
  deliveries: number;
  /** An event that means nothing here. */
  ignored: boolean;
  processed_at: Date | null;
  attempts: number;
  last_error: string | null;
}

/** `dead`: tried for the last time, and waiting for the operator. */
export type WebhookState = 'pending' | 'processed' | 'ignored' | 'dead';

const COLUMNS = 'webhook_id, type, received_at, deliveries, ignored, processed_at, attempts, last_error';

/**
 * Keeps a webhook, or counts it as delivered once more. Answers whether there is work to do with it: it means something
 * and was not worked on yet. As the owner.
 * @param payload JSON text
 */
export async function receiveWebhook(
  sql: Sql,
  webhook: { id: string; type: string; payload: string; ignored: boolean; at: Date },
): Promise<boolean> {
  const result = await sql.query<{ open: boolean }>({
    name: 'receive_webhook',
    text: `insert into webhook_inbox as w (webhook_id, type, payload, received_at, ignored) values ($1, $2, $3, $4, $5)
      on conflict (webhook_id) do update set deliveries = w.deliveries + 1
      returning processed_at is null and not ignored as open`,
    values: [webhook.id, webhook.type, webhook.payload, webhook.at, webhook.ignored],
  });
  return exactlyOne(result).open;
}

/**
 * Adds the job that works on a webhook, or begins its tries anew. Jobs of one lane run one after the other. As the
 * owner.
 */
export async function enqueueWebhook(sql: Sql, webhookId: string, lane: string): Promise<void> {
  await enqueue(
    sql,
    processWebhookJob,
    { webhook_id: webhookId },
    { key: `webhook:${webhookId}`, queueName: `whop:${lane}`, maxAttempts: WEBHOOK_TRIES },
  );
}

/** A webhook by its id. As the owner. */
export async function findWebhook(sql: Sql, id: string): Promise<WebhookRow | undefined> {
  const result = await sql.query<WebhookRow>({
    text: `select ${COLUMNS}, payload from webhook_inbox where webhook_id = $1`,
    values: [id],
  });
  return result.rows[0];
}

/** Notes that a webhook is done with, in the transaction that does it. As the owner. */
export async function markWebhookProcessed(sql: Sql, id: string, now: Date): Promise<void> {
  await sql.query({
    text: 'update webhook_inbox set processed_at = $2, attempts = attempts + 1, last_error = null where webhook_id = $1',
    values: [id, now],
  });
}

/** Notes why a try failed. As the owner. */
export async function recordWebhookFailure(sql: Sql, id: string, error: string): Promise<void> {
  await sql.query({
    text: 'update webhook_inbox set attempts = attempts + 1, last_error = $2 where webhook_id = $1 and processed_at is null',
    values: [id, error],
  });
}

/** Webhooks without their payloads, newest first, of one state or all. As the owner. */
export async function listWebhooks(
  sql: Sql,
  { state, limit }: { state?: WebhookState | undefined; limit: number },
): Promise<(Omit<WebhookRow, 'payload'> & { state: WebhookState })[]> {
  const result = await sql.query<Omit<WebhookRow, 'payload'> & { state: WebhookState }>({
    // Whether a job will still be tried, the queue alone knows: its process may have been killed at the last try.
    text: `select * from (
        select ${COLUMNS}, case when processed_at is not null then 'processed' when ignored then 'ignored'
          when exists (select from graphile_worker.jobs j
            where j.key = 'webhook:' || webhook_id and (j.attempts < j.max_attempts or j.locked_at is not null)) then 'pending'
          else 'dead' end as state
        from webhook_inbox
      ) w where $1::text is null or state = $1 order by received_at desc, webhook_id limit $2`,
    values: [state ?? null, limit],
  });
  return result.rows;
}

/** Forgets what was received before a moment. Answers how many. As the owner. */
export async function deleteOldWebhooks(sql: Sql, receivedBefore: Date): Promise<number> {
  const result = await sql.query({
    text: 'delete from webhook_inbox where received_at < $1',
    values: [receivedBefore],
  });
  return result.rowCount ?? 0;
}

/** Adds the job that compares all memberships with Whop's, once however often it is asked for. As the owner. */
export async function enqueueReconciliation(sql: Sql): Promise<void> {
  const { name } = reconcileMembershipsJob;
  await enqueue(sql, reconcileMembershipsJob, {}, { key: name, queueName: name, maxAttempts: 5 });
}
