import type { Sql } from '../../db/client/sql.ts';
import {
  deleteOldWebhooks,
  enqueueWebhook,
  findWebhook,
  listWebhooks,
  markWebhookProcessed,
  receiveWebhook,
  recordWebhookFailure,
  type WebhookState,
} from '../../db/queries/billing/webhook-inbox.ts';
import type { RequestContext } from '../context.ts';
import { parseJsonBody } from '../contracts/json-body.ts';
import { Problem } from '../errors.ts';
import { DAY_MS } from '../time.ts';
import type { Billing } from './billing.ts';
import { syncMembership } from './membership.ts';
import { parseWebhookEvent, type WebhookEvent } from './payload.ts';
import { type SignedRequest, verifySignature } from './verify.ts';

/** Maximum length of an id or event type. graphile-worker accepts queue names of 128 characters. */
const NAME_LENGTH_MAX = 100;
const STORABLE_NAME = new RegExp(`^[^\\p{Cc}\\p{Surrogate}]{1,${NAME_LENGTH_MAX}}$`, 'u');

/** Days that a webhook is kept. Whop retries a delivery for three days. */
export const WEBHOOK_DAYS_KEPT = 30;

/**
 * Verifies a webhook, stores it and enqueues its processing; both are durable once this resolves. Unsigned requests leave no trace.
 * @throws Problem `invalid_signature`, `malformed_request`
 */
export async function acceptWebhook(billing: Billing, request: SignedRequest): Promise<void> {
  const { webhookSecrets: secrets, legacySignatures } = billing.config;
  const now = billing.now();
  const verified = verifySignature(request, { secrets, legacySignatures, now });
  if (!verified) throw new Problem('invalid_signature');
  const event = parseWebhookEvent(parseJsonBody(request.body));
  if (!event) throw malformed('The body has no event type or no data.');
  const id = verified.webhookId ?? `bare_${billing.newId()}`;
  rejectUnusableNames(id, event);
  await billing.database.ownerWrite(async (sql) => {
    const payload = request.body.toString('utf8');
    const isOpen = await receiveWebhook(sql, { id, type: event.type, payload, ignored: !event.isRelevant, at: now });
    if (isOpen) await enqueueWebhook(sql, id, queueKeyOf(event));
  });
}

/**
 * Processes a webhook of the inbox, unless it has been processed.
 * @throws the error that it failed with, after recording it in the inbox
 */
export async function processWebhook(billing: Billing, id: string): Promise<void> {
  const { owner } = billing.database;
  const webhook = await findWebhook(owner, id);
  if (!webhook || webhook.processed_at) return;
  try {
    await handleWebhook(billing, id, parseWebhookEvent(webhook.payload));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await recordWebhookFailure(owner, id, reason.slice(0, 500)).catch(() => undefined);
    billing.log.warn({ err: error, webhook_id: id, type: webhook.type }, 'a webhook could not be processed');
    throw error;
  }
}

async function handleWebhook(billing: Billing, id: string, event: WebhookEvent | undefined): Promise<void> {
  const markProcessed = (sql: Sql) => markWebhookProcessed(sql, id, billing.now());
  const payment = event?.paymentId && !event.membershipId ? await billing.whop.payment(event.paymentId) : undefined;
  const membershipId = event?.membershipId ?? payment?.membershipId;
  // A payment for something other than a membership does not concern this service.
  if (!membershipId) return billing.database.ownerWrite(markProcessed);
  const hint = { membership: event?.membership, email: event?.email ?? payment?.email ?? undefined };
  const result = await syncMembership(billing, membershipId, hint, markProcessed);
  billing.log.info(
    { webhook_id: id, type: event?.type, membership_id: membershipId, ...result },
    'a webhook was processed',
  );
}

/** Returns the queue whose webhooks are processed one at a time: the user's, or else the membership's or payment's. */
function queueKeyOf({ userId, membershipId, paymentId }: WebhookEvent): string {
  return userId ?? membershipId ?? paymentId ?? 'unknown';
}

/** Deletes webhooks, which contain personal data, after {@link WEBHOOK_DAYS_KEPT} days and returns their number. */
export function deleteExpiredWebhooks(sql: Sql, now: Date): Promise<number> {
  return deleteOldWebhooks(sql, new Date(now.getTime() - WEBHOOK_DAYS_KEPT * DAY_MS));
}

const LISTED_MAX = 200;

/** Lists at most 200 webhooks for the operator, newest first. */
export function listRecentWebhooks({ sql }: Pick<RequestContext, 'sql'>, state?: WebhookState) {
  return listWebhooks(sql, { state, limit: LISTED_MAX });
}

/** Returns a webhook with its payload. @throws Error when there is none */
export async function requireWebhook({ sql }: Pick<RequestContext, 'sql'>, id: string) {
  const webhook = await findWebhook(sql, id);
  if (!webhook) throw new Error(`There is no webhook ${id}.`);
  return webhook;
}

/** Enqueues a webhook again, with all its retries. A processed one is left alone. @throws Error when there is none */
export async function replayWebhook({ sql }: Pick<RequestContext, 'sql'>, id: string) {
  const { processed_at, payload } = await requireWebhook({ sql }, id);
  const event = parseWebhookEvent(payload);
  const replayed = !processed_at && event !== undefined;
  if (replayed) await enqueueWebhook(sql, id, queueKeyOf(event));
  return { webhook_id: id, replayed, ...(processed_at && { processed_at }) };
}

/** Rejects ids and types that neither an index nor the job queue can store. */
function rejectUnusableNames(webhookId: string, { type, membershipId, paymentId, userId }: WebhookEvent): void {
  const ids = { 'webhook-id': webhookId, 'membership id': membershipId, 'payment id': paymentId, 'user id': userId };
  for (const [name, id] of Object.entries({ ...ids, 'event type': type })) {
    if (id !== undefined && !STORABLE_NAME.test(id))
      throw malformed(`The ${name} is longer than ${NAME_LENGTH_MAX} characters or contains control characters.`);
  }
}

function malformed(detail: string): Problem {
  return new Problem('malformed_request', { detail });
}
