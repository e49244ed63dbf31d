import { z } from 'zod';
import { MEMORY_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import { WEBHOOK_EVENT_TYPES, WEBHOOK_EVENTS } from './webhook-events.ts';

/** Limits of webhooks on every plan that has them. */
export const WEBHOOK_LIMITS = {
  webhooks: 10,
  urlLength: 2_000,
  descriptionLength: 200,
  /** Seconds that a replaced secret signs too. */
  graceSeconds: 604_800,
} as const;

const eventTypes = z
  .array(z.enum(WEBHOOK_EVENT_TYPES))
  .min(1)
  .max(WEBHOOK_EVENT_TYPES.length)
  .transform((types) => [...new Set(types)]);

const settings = {
  url: z.string().max(WEBHOOK_LIMITS.urlLength).meta({
    description: 'An https URL of a public host. Redirects are not followed.',
  }),
  description: z.string().max(WEBHOOK_LIMITS.descriptionLength).meta({ description: 'For people.' }),
};

const webhook = z.strictObject({
  id: f.id,
  url: z.string(),
  description: z.string(),
  events: z.array(z.string()),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.enum(['owner', 'plan', 'gone', 'failing', 'backlog']).nullable().meta({
    description:
      '`owner`: by you. `plan`: the plan has no webhooks. `gone`: it responded 410. `failing`: no delivery succeeded for three days. `backlog`: 100,000 deliveries waited.',
  }),
  waiting: z.int().meta({ description: 'Deliveries that are still to be made.' }),
  failing_since: f.instant.nullable().meta({ description: 'First failed attempt since the last success.' }),
  last_delivered_at: f.instant.nullable(),
  previous_secret_expires_at: f.instant.nullable().meta({ description: 'Until when the former secret signs too.' }),
  created_at: f.instant,
  updated_at: f.instant,
});

const secretWebhook = webhook.extend({
  secret: z.string().meta({ description: 'Verifies signatures; `whsec_` and base64. Returned only once.' }),
});

const delivery = z.strictObject({
  id: f.id.meta({ description: 'Id of the event, sent as `webhook-id`.' }),
  type: z.string(),
  memory_id: f.id.nullable(),
  state: z.enum(['pending', 'delivered', 'failed']).meta({ description: '`failed`: given up after three days.' }),
  attempts: z.int(),
  occurred_at: f.instant,
  last_attempt_at: f.instant.nullable(),
  next_attempt_at: f.instant.nullable(),
  response_status: z.int().nullable().meta({ description: 'Of the last attempt; null without a response.' }),
  duration_ms: z.int().nullable(),
  error: z.string().nullable().meta({ description: 'Why the last attempt failed.' }),
  body: z.record(z.string(), z.unknown()).meta({ description: 'The body that is sent.' }),
});

const WEBHOOK_ID = '019ad3c1-4be2-7f10-8d37-0a5b9c6e1f42';
const DELIVERY_ID = '019ad3b2-7c1f-7a08-b5d4-91c2e7f6a035';
const WEBHOOK = {
  id: WEBHOOK_ID,
  url: 'https://example.com/hooks/whitemagic',
  description: 'Search index of the shop',
  events: ['memory.created', 'memory.deleted'],
  status: 'enabled' as const,
  disabled_reason: null,
  waiting: 0,
  failing_since: null,
  last_delivered_at: '2026-11-30T09:41:08.120Z',
  previous_secret_expires_at: null,
  created_at: '2026-11-29T16:20:00.000Z',
  updated_at: '2026-11-29T16:20:00.000Z',
};
const NEW_WEBHOOK = { ...WEBHOOK, last_delivered_at: null, secret: 'whsec_RVhBTVBMRUVYQU1QTEVFWEFNUExFRVhBTVBMRTA=' };
const DELIVERY = {
  id: DELIVERY_ID,
  type: 'memory.created',
  memory_id: MEMORY_ID,
  state: 'delivered' as const,
  attempts: 1,
  occurred_at: '2026-11-30T09:41:07.512Z',
  last_attempt_at: '2026-11-30T09:41:08.120Z',
  next_attempt_at: null,
  response_status: 200,
  duration_ms: 84,
  error: null,
  body: {
    type: 'memory.created',
    timestamp: '2026-11-30T09:41:07.512Z',
    data: WEBHOOK_EVENTS['memory.created'].example,
  },
};

// Deliveries and events are of every project.
const read = { scope: 'account:read', wholeAccount: true } as const;
const write = { scope: 'keys:write', wholeAccount: true, feature: 'webhooks' } as const;

export const listWebhooks = operation({
  id: 'webhooks.list',
  summary: 'List webhooks',
  tag: 'webhooks',
  http: { method: 'GET', path: '/webhooks', statuses: [200] },
  access: read,
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ results: z.array(webhook), total: z.int() }),
  example: { input: {}, output: { results: [WEBHOOK], total: 1 } },
  errors: [],
});

export const createWebhook = operation({
  id: 'webhooks.create',
  summary: 'Create a webhook',
  description: `Events of memories need the scope \`memories:read\` too. At most ${WEBHOOK_LIMITS.webhooks} per account. Only this response contains the secret.`,
  tag: 'webhooks',
  http: { method: 'POST', path: '/webhooks', statuses: [201] },
  access: write,
  execution: { kind: 'write', returnsSecret: true },
  input: z.strictObject({
    url: settings.url,
    description: settings.description.default(''),
    events: eventTypes.default([...WEBHOOK_EVENT_TYPES]).meta({ description: 'Default: all.' }),
  }),
  output: secretWebhook,
  example: {
    input: { url: WEBHOOK.url, description: WEBHOOK.description, events: ['memory.created', 'memory.deleted'] },
    output: NEW_WEBHOOK,
  },
  errors: [],
});

export const getWebhook = operation({
  id: 'webhooks.get',
  summary: 'Get a webhook',
  tag: 'webhooks',
  http: { method: 'GET', path: '/webhooks/{id}', statuses: [200] },
  access: read,
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({ id: f.id }),
  output: webhook,
  example: { input: { id: WEBHOOK_ID }, output: WEBHOOK },
  errors: ['not_found'],
});

export const updateWebhook = operation({
  id: 'webhooks.update',
  summary: 'Change, disable or enable a webhook',
  description:
    'While a webhook is disabled, no event is recorded for it. Enabling it, or a new URL, delivers at once what still waits.',
  tag: 'webhooks',
  http: { method: 'PATCH', path: '/webhooks/{id}', statuses: [200] },
  access: write,
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    url: settings.url.optional(),
    description: settings.description.optional(),
    events: eventTypes.optional(),
    status: z.enum(['enabled', 'disabled']).optional(),
  }),
  output: webhook,
  example: {
    input: { id: WEBHOOK_ID, status: 'disabled' },
    output: { ...WEBHOOK, status: 'disabled', disabled_reason: 'owner', updated_at: '2026-11-30T10:05:00.000Z' },
  },
  errors: ['not_found'],
});

export const deleteWebhook = operation({
  id: 'webhooks.delete',
  summary: 'Delete a webhook and its deliveries',
  description: 'What waits for it is not delivered any more. Possible on every plan.',
  tag: 'webhooks',
  http: { method: 'DELETE', path: '/webhooks/{id}', statuses: [200] },
  access: { scope: 'keys:write', wholeAccount: true },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: z.strictObject({ id: f.id, deleted: z.literal(true) }),
  example: { input: { id: WEBHOOK_ID }, output: { id: WEBHOOK_ID, deleted: true } },
  errors: ['not_found'],
});

export const testWebhook = operation({
  id: 'webhooks.test',
  summary: 'Send a test event to a webhook',
  description: 'An event `webhook.test` is delivered like any other; read its delivery for the result.',
  tag: 'webhooks',
  http: { method: 'POST', path: '/webhooks/{id}/test', statuses: [202] },
  access: write,
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: delivery,
  example: {
    input: { id: WEBHOOK_ID },
    output: {
      ...DELIVERY,
      type: 'webhook.test',
      memory_id: null,
      state: 'pending',
      attempts: 0,
      last_attempt_at: null,
      next_attempt_at: DELIVERY.occurred_at,
      response_status: null,
      duration_ms: null,
      body: {
        type: 'webhook.test',
        timestamp: DELIVERY.occurred_at,
        data: { message: 'This is a test of your webhook.' },
      },
    },
  },
  errors: ['not_found', 'webhook_disabled'],
});

export const rotateSecret = operation({
  id: 'webhooks.rotate_secret',
  summary: 'Replace the secret of a webhook',
  description: 'Both secrets sign each delivery for `grace_seconds`. Only this response contains the new one.',
  tag: 'webhooks',
  http: { method: 'POST', path: '/webhooks/{id}/rotate-secret', statuses: [200] },
  access: write,
  execution: { kind: 'write', returnsSecret: true },
  input: z.strictObject({
    id: f.id,
    grace_seconds: z.int().min(0).max(WEBHOOK_LIMITS.graceSeconds).default(86_400),
  }),
  output: secretWebhook,
  example: {
    input: { id: WEBHOOK_ID, grace_seconds: 3_600 },
    output: { ...NEW_WEBHOOK, previous_secret_expires_at: '2026-11-30T11:02:11.840Z' },
  },
  errors: ['not_found'],
});

export const listDeliveries = operation({
  id: 'webhooks.deliveries',
  summary: 'List the deliveries of a webhook, newest first',
  description: 'Of events of the last 14 days.',
  tag: 'webhooks',
  http: { method: 'GET', path: '/webhooks/{id}/deliveries', statuses: [200] },
  access: read,
  execution: { kind: 'read' },
  input: z.strictObject({
    id: f.id,
    state: z.enum(['pending', 'delivered', 'failed']).optional(),
    limit: f.limit(50),
    cursor: f.cursor.optional(),
  }),
  output: z.strictObject({ results: z.array(delivery), next_cursor: z.string().nullable() }),
  example: {
    input: { id: WEBHOOK_ID, limit: 1 },
    output: { results: [DELIVERY], next_cursor: null },
  },
  errors: ['not_found'],
});

export const replayDelivery = operation({
  id: 'webhooks.replay',
  summary: 'Deliver an event again',
  description: 'With the same id and body, and at once, whether it was delivered, failed or still waits.',
  tag: 'webhooks',
  http: { method: 'POST', path: '/webhooks/{id}/deliveries/{delivery}/replay', statuses: [202] },
  access: write,
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id, delivery: f.id }),
  output: delivery,
  example: {
    input: { id: WEBHOOK_ID, delivery: DELIVERY_ID },
    output: { ...DELIVERY, state: 'pending', attempts: 0, next_attempt_at: '2026-11-30T10:05:00.000Z' },
  },
  errors: ['not_found', 'webhook_disabled'],
});
