import { z } from 'zod';
import {
  type DeliveryRow,
  type DeliveryState,
  insertDelivery,
  listDeliveries,
  replayDelivery,
} from '../../db/queries/webhooks/deliveries.ts';
import * as queries from '../../db/queries/webhooks/webhooks.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { TEST_EVENT, TEST_EVENT_TYPE } from '../contracts/webhook-events.ts';
import { WEBHOOK_LIMITS } from '../contracts/webhooks.ts';
import { invalidField, Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { describeUrlProblem, type OutgoingPolicy } from '../outgoing/send-request.ts';
import { bodyOf } from './deliver.ts';
import { newSecret } from './signature.ts';

/** Lists the account's webhooks, oldest first. */
export async function list({ sql }: RequestContext, caller: Caller) {
  const rows = await queries.listWebhooks(sql, caller.userId);
  return { results: rows.map(toResponse), total: rows.length };
}

/** Returns a webhook. @throws Problem `not_found` */
export async function get({ sql }: RequestContext, caller: Caller, { id }: { id: string }) {
  return toResponse(found(await queries.findWebhook(sql, caller.userId, id), id));
}

/**
 * Creates a webhook. Only the result contains its secret.
 * @throws Problem `scope_required` for a key that may not read the memories whose events it asks for; `unprocessable` for a URL that may
 * not be called, or one webhook too many
 */
export async function create(
  context: RequestContext,
  caller: Caller,
  input: { url: string; description: string; events: string[] },
  policy: OutgoingPolicy,
) {
  requireUrl(input.url, policy);
  requireScope(caller, input.events);
  const secret = newSecret();
  const row = { ...input, id: context.newId(), secret, created_at: context.now() };
  const made = await queries.insertWebhook(context.sql, caller.userId, row, WEBHOOK_LIMITS.webhooks);
  if (!made) throw invalidField('', `An account has at most ${WEBHOOK_LIMITS.webhooks} webhooks. Delete one first.`);
  await auditWebhook(context, caller, 'create', row.id);
  return { ...toResponse(made), secret };
}

/** Changes the settings that the input names. @throws Problem like {@link create}, and `not_found` */
export async function update(
  context: RequestContext,
  caller: Caller,
  {
    id,
    ...changes
  }: { id: string; url?: string; description?: string; events?: string[]; status?: 'enabled' | 'disabled' },
  policy: OutgoingPolicy,
) {
  const former = found(await queries.findWebhook(context.sql, caller.userId, id, true), id);
  const named = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const next = { ...former, ...named, updated_at: context.now() };
  if (changes.url !== undefined) requireUrl(changes.url, policy);
  if (changes.events) requireScope(caller, changes.events);
  const isFresh = next.url !== former.url || (next.status === 'enabled' && former.status === 'disabled');
  const row = await queries.updateWebhook(context.sql, caller.userId, next, isFresh);
  await auditWebhook(context, caller, 'update', id, { fields: Object.keys(named) });
  return toResponse(row);
}

/** Deletes a webhook with its deliveries. @throws Problem `not_found` */
export async function remove(context: RequestContext, caller: Caller, { id }: { id: string }) {
  if (!(await queries.deleteWebhook(context.sql, caller.userId, id))) throw notFound(id);
  await auditWebhook(context, caller, 'delete', id);
  return { id, deleted: true as const };
}

/** Replaces the secret. The former one signs too for `grace_seconds`. Only the result contains the new one. @throws Problem `not_found` */
export async function rotateSecret(
  context: RequestContext,
  caller: Caller,
  { id, grace_seconds }: { id: string; grace_seconds: number },
) {
  const [secret, at] = [newSecret(), context.now()];
  const previousUntil = new Date(at.getTime() + grace_seconds * 1000);
  const row = found(await queries.rotateSecret(context.sql, caller.userId, id, { secret, previousUntil, at }), id);
  await auditWebhook(context, caller, 'rotate_secret', id);
  return { ...toResponse(row), secret };
}

/** Adds a test event for a webhook. @throws Problem `not_found`, `webhook_disabled` */
export async function test(context: RequestContext, caller: Caller, { id }: { id: string }) {
  await requireEnabled(context, caller, id);
  const event = { id: context.newId(), type: TEST_EVENT_TYPE, data: TEST_EVENT.example, at: context.now() };
  return toDelivery(await insertDelivery(context.sql, caller.userId, id, event));
}

/** Lists the deliveries of a webhook, newest first. @throws Problem `not_found` */
export async function deliveries(
  { sql }: RequestContext,
  caller: Caller,
  { cursor, limit, ...query }: { id: string; state?: DeliveryState; limit: number; cursor?: string },
) {
  const [before] = cursor === undefined ? [] : decodeCursor(query, cursor, POSITION);
  const page = { state: query.state, before, limit: limit + 1 };
  const [webhook, rows] = await Promise.all([
    queries.findWebhook(sql, caller.userId, query.id),
    listDeliveries(sql, caller.userId, query.id, page),
  ]);
  found(webhook, query.id);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { results: shown.map(toDelivery), next_cursor: last ? encodeCursor(query, [last.position]) : null };
}

/** Delivers an event again, at once. @throws Problem `not_found`, `webhook_disabled` */
export async function replay(
  context: RequestContext,
  caller: Caller,
  { id, delivery }: { id: string; delivery: string },
) {
  await requireEnabled(context, caller, id);
  const row = await replayDelivery(context.sql, caller.userId, id, delivery, context.now());
  if (!row) throw new Problem('not_found', { detail: `The webhook has no delivery ${delivery}.` });
  return toDelivery(row);
}

const POSITION = z.tuple([z.string().regex(/^\d{1,18}$/)]);

async function requireEnabled({ sql }: RequestContext, caller: Caller, id: string): Promise<void> {
  const { status } = found(await queries.findWebhook(sql, caller.userId, id, true), id);
  if (status === 'disabled') throw new Problem('webhook_disabled');
}

function requireUrl(url: string, policy: OutgoingPolicy): void {
  const problem = describeUrlProblem(url, policy);
  if (problem) throw invalidField('url', problem);
}

/** Rejects events of memories for a key that may not read memories: they name tags and projects. */
function requireScope({ scopes }: Caller, events: readonly string[]): void {
  if (scopes.includes('memories:read') || !events.some((type) => type.startsWith('memory.'))) return;
  throw new Problem('scope_required', {
    detail: `Events of memories need the scope memories:read; the key has ${scopes.join(', ')}.`,
    extra: { required_scope: 'memories:read' },
  });
}

function found<Row>(row: Row | undefined, id: string): Row {
  if (!row) throw notFound(id);
  return row;
}

function notFound(id: string): Problem {
  return new Problem('not_found', { detail: `You have no webhook ${id}.` });
}

function toResponse({ failures: _, ...row }: queries.WebhookRow) {
  return {
    ...row,
    failing_since: row.failing_since?.toISOString() ?? null,
    last_delivered_at: row.last_delivered_at?.toISOString() ?? null,
    previous_secret_expires_at: row.previous_secret_expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function toDelivery({ position: _, subject, data, ...row }: DeliveryRow) {
  return {
    ...row,
    memory_id: subject,
    occurred_at: row.occurred_at.toISOString(),
    last_attempt_at: row.last_attempt_at?.toISOString() ?? null,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    body: bodyOf({ ...row, data }),
  };
}

function auditWebhook(
  context: RequestContext,
  caller: Caller,
  act: string,
  target: string,
  details?: Record<string, unknown>,
) {
  const entry = { actor: actorOf(caller), action: `webhooks.${act}`, target };
  return audit(context, caller.userId, details ? { ...entry, details } : entry);
}
