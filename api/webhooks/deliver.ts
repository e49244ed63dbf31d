import type { IncomingHttpHeaders } from 'node:http';
import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { findUser } from '../../db/queries/accounts/users.ts';
import {
  type Attempt,
  type DueDelivery,
  disableWebhook,
  type LeasedWebhook,
  recordDelivered,
  recordFailure,
} from '../../db/queries/webhooks/delivery-queue.ts';
import type { RequestContext } from '../context.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { OutgoingError, type OutgoingPolicy, sendRequest } from '../outgoing/send-request.ts';
import { VERSION } from '../version.ts';
import { pauseMs, RETRY_MS, retryAfterMs, retryDelayMs } from './retry.ts';
import { signDelivery } from './signature.ts';

/** Limit of a delivery's request and response. */
export const TIMEOUT_MS = 10_000;
/** Part of a response that is read; nothing of it is kept. */
const RESPONSE_BYTES_MAX = 16_384;
/** Status by which a receiver says that it wants no more events. */
const GONE = 410;
/** Statuses whose `Retry-After` holds for every delivery. */
const BUSY = [429, 503];

export interface DeliveryContext {
  database: Database;
  clock: Pick<RequestContext, 'now' | 'newId'>;
  policy: OutgoingPolicy;
  random: () => number;
  /** Aborted when the worker stops. */
  signal: AbortSignal;
}

/** The outcome of attempts. */
export interface Outcome {
  delivered: number;
  failed: number;
  /** Nothing more should be sent for now. */
  isPaused: boolean;
}

/** Returns the body that is sent for an event, always the same bytes. */
export function bodyOf({ type, occurred_at, data }: Pick<DueDelivery, 'type' | 'occurred_at' | 'data'>) {
  return { type, timestamp: occurred_at.toISOString(), data };
}

/**
 * Attempts deliveries side by side, once each, and records what came of them in one transaction. A worker that is killed meanwhile leaves
 * them pending, so the receiver may get them twice, with the same `webhook-id`. Attempts that a stopping worker ended are not recorded.
 */
export async function deliver(
  context: DeliveryContext,
  webhook: LeasedWebhook,
  deliveries: readonly DueDelivery[],
): Promise<Outcome> {
  const { database, clock, signal } = context;
  const sent = await Promise.all(deliveries.map((delivery) => send(context, webhook, delivery)));
  const known = sent.filter(({ error }) => error === undefined || !signal.aborted);
  const delivered = known.filter(({ error }) => error === undefined);
  const failed = known.filter(({ error }) => error !== undefined);
  const at = clock.now();
  const isPaused = await database.ownerWrite(async (sql) => {
    if (delivered.length > 0) await recordDelivered(sql, webhook, delivered, at);
    let pauses = false;
    for (const attempt of failed) pauses = (await fail(context, sql, webhook, attempt, at)) || pauses;
    return pauses;
  });
  return { delivered: delivered.length, failed: failed.length, isPaused };
}

interface Sent extends Attempt {
  delivery: DueDelivery;
  headers: IncomingHttpHeaders;
}

async function send(context: DeliveryContext, webhook: LeasedWebhook, delivery: DueDelivery): Promise<Sent> {
  const started = performance.now();
  const response = await request(context, webhook, delivery);
  const durationMs = Math.round(performance.now() - started);
  return { delivery, deliveryId: delivery.id, durationMs, ...response };
}

type Response = Pick<Sent, 'responseStatus' | 'error' | 'headers'>;

async function request(
  { clock, policy, signal }: DeliveryContext,
  webhook: LeasedWebhook,
  delivery: DueDelivery,
): Promise<Response> {
  const { id } = delivery;
  const body = JSON.stringify(bodyOf(delivery));
  const timestamp = Math.floor(clock.now().getTime() / 1000);
  const secrets = webhook.previous_secret === null ? [webhook.secret] : [webhook.secret, webhook.previous_secret];
  const message = {
    method: 'POST' as const,
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': `WhiteMagic/${VERSION} (webhooks)`,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signDelivery({ id, timestamp, body }, secrets),
    },
    body,
    timeoutMs: TIMEOUT_MS,
    bytesMax: RESPONSE_BYTES_MAX,
    signal,
  };
  try {
    const { status, headers } = await sendRequest(webhook.url, message, policy);
    const isSuccess = status >= 200 && status < 300;
    return { responseStatus: status, headers, ...(!isSuccess && { error: describeStatus(status) }) };
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error;
    return { responseStatus: null, headers: {}, error: error.message };
  }
}

function describeStatus(status: number): string {
  const note = status >= 300 && status < 400 ? ' Redirects are not followed.' : '';
  return `The response had status ${status}.${note}`;
}

/** Records a failed attempt. Returns whether nothing more should be sent for now. */
async function fail(
  { clock, random }: DeliveryContext,
  sql: Sql,
  webhook: LeasedWebhook,
  { delivery, headers, ...attempt }: Sent,
  at: Date,
): Promise<boolean> {
  const { responseStatus } = attempt;
  const isReached = responseStatus !== null;
  const asked = isReached && BUSY.includes(responseStatus) ? retryAfterMs(headers, at) : undefined;
  const pause = isReached ? asked : pauseMs(webhook.failures + 1, random);
  const wait = Math.max(retryDelayMs(delivery.attempts + 1, random), asked ?? 0);
  const isLast = at.getTime() + wait > (delivery.first_attempt_at ?? at).getTime() + RETRY_MS;
  const later = (ms: number) => new Date(at.getTime() + ms);
  const failingSince = await recordFailure(sql, webhook, attempt, {
    at,
    nextAttemptAt: isLast ? null : later(wait),
    pausedUntil: pause === undefined ? null : later(pause),
  });
  const isGone = responseStatus === GONE;
  const isFailing = failingSince !== undefined && at.getTime() - failingSince.getTime() >= RETRY_MS;
  if (failingSince && (isGone || isFailing)) await disable({ ...clock, sql }, webhook, isGone ? 'gone' : 'failing');
  return pause !== undefined || isGone || isFailing;
}

async function disable(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  webhook: LeasedWebhook,
  reason: 'gone' | 'failing',
): Promise<void> {
  if (await disableWebhook(context.sql, webhook, reason, context.now())) await mailDisabled(context, webhook, reason);
}

/** Enqueues the e-mail that a webhook was disabled, in the caller's transaction. */
export async function mailDisabled(
  context: Pick<RequestContext, 'sql' | 'now' | 'newId'>,
  { user_id, id, url }: LeasedWebhook,
  reason: 'gone' | 'failing' | 'backlog',
): Promise<void> {
  const user = await findUser(context.sql, user_id);
  if (!user) return;
  const host = new URL(url).host;
  await mailOwner(context, user, 'webhook_disabled', { host, reason, url: `/app/webhooks/${id}` });
}
