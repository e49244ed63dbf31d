import { z } from 'zod';
import { EXPORT_ID, KEY_ID, MEMORY, MEMORY_ID } from './examples.ts';
import * as f from './fields.ts';

/** The data of an event about a memory: no text of it. Read the memory for that. */
const memoryEvent = z.strictObject({
  id: f.id,
  version: z.int().meta({ description: 'Grows with each change; a memory’s events arrive in its order.' }),
  type: f.memoryType,
  status: f.memoryStatus,
  project: z.string().nullable(),
  session_id: z.string().nullable(),
  tags: z.array(z.string()),
  expires_at: f.instant.nullable(),
  created_at: f.instant,
  updated_at: f.instant,
});

const keyEvent = z.strictObject({ id: f.id, name: z.string(), last4: z.string() });

const MEMORY_EVENT = {
  id: MEMORY_ID,
  version: 1,
  type: MEMORY.type,
  status: MEMORY.status,
  project: MEMORY.project,
  session_id: null,
  tags: MEMORY.tags,
  expires_at: null,
  created_at: MEMORY.created_at,
  updated_at: MEMORY.updated_at,
};
const KEY_EVENT = { id: KEY_ID, name: 'Laptop', last4: 'mnop' };
const CHANGED_EVENT = { ...MEMORY_EVENT, version: 2, updated_at: '2026-11-30T10:05:00.000Z' };

/** Every event that a webhook can take: when it happens, and the schema and an example of its `data`. */
export const WEBHOOK_EVENTS = {
  'memory.created': { summary: 'A memory was stored', data: memoryEvent, example: MEMORY_EVENT },
  'memory.updated': { summary: 'A memory was changed', data: memoryEvent, example: CHANGED_EVENT },
  'memory.archived': {
    summary: 'A memory was archived, or consolidated into a digest',
    data: memoryEvent,
    example: { ...CHANGED_EVENT, status: 'archived' as const },
  },
  'memory.restored': { summary: 'An archived memory is active again', data: memoryEvent, example: CHANGED_EVENT },
  'memory.deleted': {
    summary: 'A memory was deleted permanently',
    data: z.strictObject({ id: f.id, version: z.int().meta({ description: 'The last version.' }) }),
    example: { id: MEMORY_ID, version: 2 },
  },
  'consolidation.completed': {
    summary: 'Short-term memories were consolidated',
    data: z.strictObject({
      promoted: z.int().meta({ description: 'Memories that became long-term.' }),
      archived: z.int().meta({ description: 'Memories that were archived, most with a link to a digest.' }),
      digests: z.int().meta({ description: 'Digests that were stored.' }),
    }),
    example: { promoted: 2, archived: 14, digests: 3 },
  },
  'usage.threshold': {
    summary: "80 % or 100 % of the day's calls or of the storage are used",
    data: z.strictObject({
      kind: z.enum(['calls', 'storage']),
      percent: z.int(),
      used: z.int(),
      limit: z.int(),
      day: z.iso.date().meta({ description: 'UTC.' }),
    }),
    example: { kind: 'calls' as const, percent: 80, used: 40_000, limit: 50_000, day: '2026-11-30' },
  },
  'key.created': { summary: 'An API key was created', data: keyEvent, example: KEY_EVENT },
  'key.rotated': {
    summary: 'An API key was replaced',
    data: keyEvent.extend({ previous_key_id: f.id, previous_key_expires_at: f.instant }),
    example: { ...KEY_EVENT, previous_key_id: KEY_ID, previous_key_expires_at: '2026-11-30T11:02:11.840Z' },
  },
  'key.revoked': {
    summary: 'An API key was revoked',
    data: keyEvent.extend({
      reason: z.enum(['revoked', 'leaked', 'unused']).meta({
        description: '`leaked`: the key was found in public. `unused`: another activation link was used instead.',
      }),
    }),
    example: { ...KEY_EVENT, reason: 'revoked' as const },
  },
  'import.completed': {
    summary: 'An import stored its memories',
    data: z.strictObject({ id: f.id, memories: z.int(), versions: z.int(), rejected: z.int() }),
    example: { id: EXPORT_ID, memories: 1_998, versions: 0, rejected: 2 },
  },
  'export.ready': {
    summary: 'The file of an export can be downloaded',
    data: z.strictObject({ id: f.id, bytes: z.int(), expires_at: f.instant }),
    example: { id: EXPORT_ID, bytes: 284_310, expires_at: '2026-12-07T10:05:00.000Z' },
  },
} as const satisfies Record<string, { summary: string; data: z.ZodType; example: object }>;

export type WebhookEventType = keyof typeof WEBHOOK_EVENTS;
export const WEBHOOK_EVENT_TYPES = Object.keys(WEBHOOK_EVENTS) as [WebhookEventType, ...WebhookEventType[]];

/** The data of an event, before it is validated. */
export type WebhookEventData<Type extends WebhookEventType> = z.input<(typeof WEBHOOK_EVENTS)[Type]['data']>;

/** The event that `POST /webhooks/{id}/test` sends. */
export const TEST_EVENT_TYPE = 'webhook.test';
export const TEST_EVENT = {
  summary: 'A test that you requested',
  data: z.strictObject({ message: z.string() }),
  example: { message: 'This is a test of your webhook.' },
};

/** Returns the schema of the body that is sent for an event. */
export function webhookBody(type: string, data: z.ZodType) {
  return z.strictObject({
    type: z.literal(type),
    timestamp: f.instant.meta({ description: 'When it happened.' }),
    data,
  });
}
