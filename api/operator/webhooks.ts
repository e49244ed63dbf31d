import { z } from 'zod';
import { findUserOfWebhook } from '../../db/queries/accounts/operator-users.ts';
import {
  findListedWebhook,
  findWebhook,
  type ListedWebhookRow,
  listWebhooks,
  type WebhookState,
} from '../../db/queries/billing/webhook-inbox.ts';
import { audit, operatorActor } from '../audit.ts';
import { replayWebhook } from '../billing/inbox.ts';
import { parseWebhookEvent } from '../billing/payload.ts';
import type { Caller, RequestContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { redactError, redactPayload } from './redact.ts';

const POSITION = z.tuple([z.iso.datetime(), z.string()]);

/** Lists webhooks of Whop, newest first. */
export async function list(
  { sql }: RequestContext,
  _caller: Caller,
  { state, limit, cursor }: { state?: WebhookState | undefined; limit: number; cursor?: string | undefined },
) {
  const bound = ['admin.webhooks', state ?? null];
  const position = cursor === undefined ? undefined : decodeCursor(bound, cursor, POSITION);
  const after = position && { received_at: new Date(position[0]), webhook_id: position[1] };
  const rows = await listWebhooks(sql, { state, limit: limit + 1, after });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = last && rows.length > limit ? [last.received_at.toISOString(), last.webhook_id] : undefined;
  return { results: shown.map(toWebhook), next_cursor: next ? encodeCursor(bound, next) : null };
}

/** Returns a webhook with its account and its payload, without secrets. @throws Problem `not_found` */
export async function get({ sql }: RequestContext, _caller: Caller, { id }: { id: string }) {
  const row = await findListedWebhook(sql, id);
  const stored = await findWebhook(sql, id);
  if (!row || !stored) throw webhookNotFound();
  return {
    ...toWebhook(row),
    user_id: (await accountOf(sql, stored.payload)) ?? null,
    payload: redactPayload(stored.payload),
  };
}

/** Processes a dead or pending webhook again. Written to the audit log of its account, or else of the operator. @throws Problem `not_found` */
export async function replay(context: RequestContext, caller: Caller, { id }: { id: string }) {
  const stored = await findWebhook(context.sql, id);
  if (!stored) throw webhookNotFound();
  const { replayed, processed_at } = await replayWebhook(context, id);
  if (replayed) {
    const affected = (await accountOf(context.sql, stored.payload)) ?? caller.userId;
    await audit(context, affected, { actor: operatorActor(caller), action: 'webhooks.replay', target: id });
  }
  return { webhook_id: id, replayed, processed_at: processed_at?.toISOString() ?? null };
}

async function accountOf(sql: RequestContext['sql'], payload: unknown): Promise<string | undefined> {
  const event = parseWebhookEvent(payload);
  if (!event) return undefined;
  return findUserOfWebhook(sql, { whopUserId: event.userId, membershipId: event.membershipId });
}

function toWebhook(row: ListedWebhookRow) {
  return {
    webhook_id: row.webhook_id,
    type: row.type,
    state: row.state,
    received_at: row.received_at.toISOString(),
    processed_at: row.processed_at?.toISOString() ?? null,
    deliveries: row.deliveries,
    attempts: row.attempts,
    last_error: redactError(row.last_error),
  };
}

function webhookNotFound(): Problem {
  return new Problem('not_found', { detail: 'There is no such webhook; they are kept for 30 days.' });
}
