import { exactlyOne, type Sql } from '../../client/sql.ts';

/** Why a webhook is disabled: by its owner, because the plan has none, by a response 410, after days of failures, or because too many deliveries wait. */
export type DisabledReason = 'owner' | 'plan' | 'gone' | 'failing' | 'backlog';

/** A webhook without its secrets. */
export interface WebhookRow {
  id: string;
  url: string;
  description: string;
  events: string[];
  status: 'enabled' | 'disabled';
  disabled_reason: DisabledReason | null;
  previous_secret_expires_at: Date | null;
  waiting: number;
  failures: number;
  failing_since: Date | null;
  last_delivered_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = `id, url, description, events, status, disabled_reason, previous_secret_expires_at, waiting, failures,
  failing_since, last_delivered_at, created_at, updated_at`;

/** Lists the tenant's webhooks, oldest first. */
export async function listWebhooks(sql: Sql, userId: string): Promise<WebhookRow[]> {
  const result = await sql.query<WebhookRow>({
    name: 'list_webhooks',
    text: `select ${COLUMNS}
      from webhooks
      where user_id = $1
      order by id`,
    values: [userId],
  });
  return result.rows;
}

/** Finds a webhook of the tenant. `lock` holds it until the transaction ends. */
export async function findWebhook(sql: Sql, userId: string, id: string, lock = false): Promise<WebhookRow | undefined> {
  const result = await sql.query<WebhookRow>({
    text: `select ${COLUMNS}
      from webhooks
      where user_id = $1 and id = $2
      ${lock ? 'for no key update' : ''}`,
    values: [userId, id],
  });
  return result.rows[0];
}

type NewWebhook = Pick<WebhookRow, 'id' | 'url' | 'description' | 'events'> & { secret: string; created_at: Date };

/** Stores an enabled webhook, unless the tenant has as many as it may. Concurrent calls of a tenant wait for each other. */
export async function insertWebhook(
  sql: Sql,
  userId: string,
  row: NewWebhook,
  most: number,
): Promise<WebhookRow | undefined> {
  await sql.query({ text: 'select pg_advisory_xact_lock(hashtext($1))', values: [`webhooks:${userId}`] });
  const result = await sql.query<WebhookRow>({
    text: `insert into webhooks (user_id, id, url, description, events, status, secret, created_at, updated_at)
      select $1, $2, $3, $4, $5, 'enabled', $6, $7, $7
      where (select count(*) from webhooks where user_id = $1) < $8
      returning ${COLUMNS}`,
    values: [userId, row.id, row.url, row.description, row.events, row.secret, row.created_at, most],
  });
  return result.rows[0];
}

type WebhookChanges = Pick<WebhookRow, 'id' | 'url' | 'description' | 'events' | 'status' | 'updated_at'>;

/**
 * Writes the settings of a webhook, which is locked. One that becomes enabled, or has a new URL, is tried again at once, with what still
 * waits for it.
 */
export async function updateWebhook(
  sql: Sql,
  userId: string,
  row: WebhookChanges,
  isFresh: boolean,
): Promise<WebhookRow> {
  const waiting = isFresh ? await makeDue(sql, userId, row.id, row.updated_at) : 0;
  const result = await sql.query<WebhookRow>({
    text: `update webhooks set
        url = $3, description = $4, events = $5, status = $6, updated_at = $7,
        disabled_reason = case when $6 = 'enabled' then null else coalesce(disabled_reason, 'owner') end,
        ${isFresh ? `failures = 0, failing_since = null, paused_until = null, waiting = $8::integer,` : ''}
        due_at = case when $6 = 'enabled' then ${isFresh ? '$7::timestamptz' : 'due_at'} end
      where user_id = $1 and id = $2
      returning ${COLUMNS}`,
    values: [
      userId,
      row.id,
      row.url,
      row.description,
      row.events,
      row.status,
      row.updated_at,
      ...(isFresh ? [waiting] : []),
    ],
  });
  return exactlyOne(result);
}

/** Makes everything that waits for a webhook due. Returns how much that is. */
async function makeDue(sql: Sql, userId: string, id: string, at: Date): Promise<number> {
  const result = await sql.query({
    text: `update webhook_deliveries
      set next_attempt_at = $3
      where user_id = $1 and webhook_id = $2 and state = 'pending'`,
    values: [userId, id, at],
  });
  return result.rowCount ?? 0;
}

/** Replaces the secret of a webhook, whose former one signs too until a time. Undefined when there is none. */
export async function rotateSecret(
  sql: Sql,
  userId: string,
  id: string,
  { secret, previousUntil, at }: { secret: string; previousUntil: Date; at: Date },
): Promise<WebhookRow | undefined> {
  const result = await sql.query<WebhookRow>({
    text: `update webhooks set
        previous_secret = secret, previous_secret_expires_at = $4, secret = $3, updated_at = $5
      where user_id = $1 and id = $2
      returning ${COLUMNS}`,
    values: [userId, id, secret, previousUntil, at],
  });
  return result.rows[0];
}

/** Disables the webhooks of an account whose plan has none, or enables those that were disabled for that. Runs as the database owner. */
export async function applyPlanToWebhooks(sql: Sql, userId: string, isIncluded: boolean, at: Date): Promise<void> {
  await sql.query({
    text: isIncluded
      ? `update webhooks
          set status = 'enabled', disabled_reason = null, due_at = $2, updated_at = $2
          where user_id = $1 and disabled_reason = 'plan'`
      : `update webhooks
          set status = 'disabled', disabled_reason = 'plan', due_at = null, updated_at = $2
          where user_id = $1 and status = 'enabled'`,
    values: [userId, at],
  });
}

/** Deletes a webhook with its deliveries. Returns whether there was one. */
export async function deleteWebhook(sql: Sql, userId: string, id: string): Promise<boolean> {
  const result = await sql.query({
    text: 'delete from webhooks where user_id = $1 and id = $2',
    values: [userId, id],
  });
  return result.rowCount === 1;
}
