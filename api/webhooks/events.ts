import { deferRows } from '../../db/client/sql.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import { type RecordedEvent, recordEventsStatement } from '../../db/queries/webhooks/record-events.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { WebhookEventData, WebhookEventType } from '../contracts/webhook-events.ts';

type EventContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/** Events that concern a memory. */
type MemoryEventType = Extract<WebhookEventType, `memory.${string}`>;

/**
 * Writes an event to the outbox of the account's webhooks, in the caller's transaction: it is delivered if and only if that commits. It
 * costs no round trip of its own, since all events of a transaction are sent with its commit.
 */
export function recordEvent<Type extends Exclude<WebhookEventType, MemoryEventType>>(
  context: EventContext,
  userId: string,
  type: Type,
  data: WebhookEventData<Type>,
): Promise<void> {
  return record(context, userId, type, [{ id: context.newId(), subject: null, data }]);
}

/** Writes the event of a change of a memory, like {@link recordEvent}. Does nothing on a plan without webhooks. */
export async function recordMemoryEvent(
  context: EventContext,
  { userId, limits }: Pick<Caller, 'userId' | 'limits'>,
  type: Exclude<MemoryEventType, 'memory.deleted'>,
  memory: MemoryEventRow,
): Promise<void> {
  if (!limits.webhooks) return;
  await record(context, userId, type, [{ id: context.newId(), subject: memory.id, data: toData(memory) }]);
}

/** Writes the event of each memory that was deleted permanently, like {@link recordMemoryEvent}. */
export async function recordDeletions(
  context: EventContext,
  { userId, limits }: Pick<Caller, 'userId' | 'limits'>,
  memories: readonly WebhookEventData<'memory.deleted'>[],
): Promise<void> {
  if (!limits.webhooks || memories.length === 0) return;
  const events = memories.map((data) => ({ id: context.newId(), subject: data.id, data }));
  await record(context, userId, 'memory.deleted', events);
}

/** Returns the event of a change from one state of a memory to another. */
export function changeEvent(from: Pick<MemoryRow, 'status'>, to: Pick<MemoryRow, 'status'>) {
  if (from.status === to.status) return 'memory.updated';
  return to.status === 'archived' ? 'memory.archived' : 'memory.restored';
}

type MemoryEventRow = Pick<
  MemoryRow,
  'id' | 'version' | 'type' | 'status' | 'project' | 'session_id' | 'tags' | 'expires_at' | 'created_at' | 'updated_at'
>;

function toData(memory: MemoryEventRow): WebhookEventData<'memory.created'> {
  const { id, version, type, status, project, session_id, tags, expires_at, created_at, updated_at } = memory;
  const times = {
    expires_at: expires_at?.toISOString() ?? null,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
  return { id, version, type, status, project, session_id, tags, ...times };
}

function record(
  context: EventContext,
  userId: string,
  type: string,
  events: readonly Omit<RecordedEvent, 'type' | 'at'>[],
): Promise<void> {
  const at = context.now();
  const rows = events.map((event) => ({ ...event, type, at }));
  return deferRows(context.sql, `webhook_events ${userId}`, (all) => recordEventsStatement(userId, all), rows);
}
