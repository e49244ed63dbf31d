import { z } from 'zod';
import { ACCOUNT_ID, API_KEY, KEY, KEY_ID, NEW_KEY } from './examples.ts';
import * as f from './fields.ts';
import { operation, publicOperation, SCOPES } from './operation.ts';

const scope = z.enum(SCOPES);

/** The name of a key appears in e-mails, logs and lists, where a line break could fake another line. */
function isOneLine(name: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name);
}

export const key = z.strictObject({
  id: f.id,
  name: z.string(),
  prefix: z.string(),
  last4: z.string(),
  scopes: z.array(scope),
  rpm_limit: z.int().nullable(),
  active: z.boolean(),
  expires_at: f.instant.nullable(),
  revoked_at: f.instant.nullable(),
  last_used_at: f.instant.nullable(),
  created_at: f.instant,
});

const createdKey = key.extend({ api_key: z.string().meta({ description: 'The key, returned only once.' }) });

const keyFields = {
  name: f
    .text(f.LIMITS.keyNameLength)
    .refine(isOneLine, 'must be one line without control characters')
    .meta({ minLength: 1, maxLength: f.LIMITS.keyNameLength, description: 'One line, without control characters.' }),
  scopes: z.array(scope).min(1).max(SCOPES.length),
  expires_at: f.moment.nullable(),
  rpm_limit: z.int().min(1).max(1_000_000).nullable().meta({ description: "Calls a minute, below the plan's limit." }),
};

export const me = operation({
  id: 'user.me',
  summary: 'Get the account, its plan and the calling key',
  tag: 'account',
  http: { method: 'GET', path: '/user/me', statuses: [200] },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    id: f.id,
    email: z.string().nullable(),
    plan: z.string(),
    status: z.string(),
    limits: z.strictObject({
      requests_per_minute: z.int(),
      requests_per_day: z.int().meta({ description: 'Per UTC day.' }),
      storage_bytes: z.int(),
      rest: z.boolean(),
      webhooks: z.boolean(),
    }),
    storage_bytes: z.int(),
    created_at: f.instant,
    purge_at: f.instant.nullable().meta({ description: 'Time at which the account is deleted permanently.' }),
    key: z
      .strictObject({ id: f.id, scopes: z.array(scope) })
      .nullable()
      .meta({ description: 'The calling key; null in the dashboard.' }),
    session: z
      .strictObject({ id: f.id })
      .nullable()
      .meta({ description: 'The session of the dashboard; null for a key.' }),
  }),
  example: {
    input: {},
    output: {
      id: ACCOUNT_ID,
      email: 'ada@example.com',
      plan: 'starter',
      status: 'active',
      limits: {
        requests_per_minute: 60,
        requests_per_day: 5_000,
        storage_bytes: 100_000_000,
        rest: true,
        webhooks: false,
      },
      storage_bytes: 284_310,
      created_at: '2026-11-26T14:03:55.120Z',
      purge_at: null,
      key: { id: KEY_ID, scopes: ['memories:read', 'memories:write', 'account:read', 'keys:write'] },
      session: null,
    },
  },
  errors: [],
});

const quotaShare = { used: z.int(), limit: z.int(), percent: z.number() };

export const usage = operation({
  id: 'user.usage',
  summary: 'Get usage, and its share of the plan',
  description:
    'A row per day, transport and operation, or per value of `group_by`. By hour or key, at most 31 days at once, and as ' +
    'far back as single calls are kept.',
  tag: 'account',
  http: { method: 'GET', path: '/user/usage', statuses: [200] },
  mcp: { resource: 'memory://usage' },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    from: z.iso.date().optional().meta({ description: 'UTC day. Default: 30 days before `to`.' }),
    to: z.iso.date().optional().meta({ description: 'UTC day, inclusive. Default: today.' }),
    days: z.int().min(1).max(400).optional().meta({ description: 'Number of days up to `to`, instead of `from`.' }),
    group_by: z.enum(['day', 'hour', 'operation', 'key', 'transport']).optional(),
  }),
  output: z.strictObject({
    from: z.iso.date(),
    to: z.iso.date(),
    results: z
      .array(
        z.strictObject({
          day: z.iso.date().optional(),
          hour: f.instant.optional().meta({ description: 'Start of the hour.' }),
          transport: f.transport.optional(),
          operation: z.string().optional(),
          endpoint: z.string().optional().meta({ description: 'Method and path, tool name, or resource.' }),
          key_id: f.id.nullable().optional(),
          key_name: z.string().nullable().optional(),
          calls: z.int(),
          billable: z.int(),
          errors: z.int(),
          mean_ms: z.number(),
          bytes_in: z.int(),
          bytes_out: z.int(),
          quota_units: z
            .int()
            .meta({ description: "Quota units consumed of the day's limit: 1 per call; a batch costs one per item." }),
          tokens: z.int().meta({ description: 'Tokens of results for models (o200k_base).' }),
        }),
      )
      .meta({ description: 'Newest first, or most calls first. A row has the fields that it is grouped by.' }),
    totals: z.strictObject({ calls: z.int(), billable: z.int(), errors: z.int() }),
    plan: z.strictObject({
      name: z.string(),
      calls_today: z.strictObject({ ...quotaShare, resets_at: f.instant }),
      storage_bytes: z.strictObject(quotaShare),
    }),
  }),
  example: {
    input: { days: 7, group_by: 'transport' },
    output: {
      from: '2026-11-24',
      to: '2026-11-30',
      results: [
        {
          transport: 'mcp_http',
          calls: 412,
          billable: 410,
          errors: 3,
          mean_ms: 18.4,
          bytes_in: 96_120,
          bytes_out: 601_377,
          quota_units: 412,
          tokens: 148_205,
        },
      ],
      totals: { calls: 412, billable: 410, errors: 3 },
      plan: {
        name: 'starter',
        calls_today: { used: 61, limit: 5_000, percent: 1.2, resets_at: '2026-12-01T00:00:00.000Z' },
        storage_bytes: { used: 284_310, limit: 100_000_000, percent: 0.3 },
      },
    },
  },
  errors: [],
});

export const usageCsv = operation({
  id: 'user.usage_csv',
  summary: "Get a month's usage as CSV",
  description: 'A header row, then a row per day, transport and operation, oldest day first.',
  tag: 'account',
  http: { method: 'GET', path: '/user/usage.csv', statuses: [200], mediaType: 'text/csv' },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    month: z
      .string()
      .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month, such as 2026-11')
      .optional()
      .meta({ description: 'UTC month, such as 2026-11. Default: the current month.' }),
  }),
  output: z.string(),
  example: {
    input: { month: '2026-11' },
    output:
      'day,transport,operation,endpoint,calls,billable,errors,mean_ms,bytes_in,bytes_out,quota_units,tokens\r\n' +
      '2026-11-30,mcp_http,memories.create,create_memory,24,24,0,21.7,9310,12480,24,0\r\n',
  },
  errors: [],
});

export const listKeys = operation({
  id: 'keys.list',
  summary: 'List API keys',
  tag: 'keys',
  http: { method: 'GET', path: '/user/keys', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ results: z.array(key), total: z.int() }),
  example: {
    input: {},
    output: { results: [KEY], total: 1 },
  },
  errors: [],
});

export const createKey = operation({
  id: 'keys.create',
  summary: 'Create an API key',
  description:
    'Scopes, expiry and limit must be within those of the calling key, which are the defaults. Only this response contains the key.',
  tag: 'keys',
  http: { method: 'POST', path: '/user/keys', statuses: [201] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write', returnsSecret: true },
  input: z.strictObject({
    name: keyFields.name,
    scopes: keyFields.scopes.optional().meta({ description: 'Default: the scopes of the calling key.' }),
    expires_at: keyFields.expires_at.optional(),
    rpm_limit: keyFields.rpm_limit.optional(),
  }),
  output: createdKey,
  example: {
    input: { name: 'CI', scopes: ['memories:read', 'memories:write'] },
    output: NEW_KEY,
  },
  errors: [],
});

export const updateKey = operation({
  id: 'keys.update',
  summary: 'Change the name, scopes, expiry or limit of an API key',
  description:
    'Scopes can only be reduced. What is set must be within the calling key; to extend a key, all its permissions must be.',
  tag: 'keys',
  http: { method: 'PATCH', path: '/user/keys/{id}', statuses: [200] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    name: keyFields.name.optional(),
    scopes: keyFields.scopes.optional(),
    expires_at: keyFields.expires_at.optional(),
    rpm_limit: keyFields.rpm_limit.optional(),
  }),
  output: key,
  example: {
    input: { id: KEY_ID, name: 'Old laptop', rpm_limit: 30 },
    output: { ...KEY, name: 'Old laptop', rpm_limit: 30 },
  },
  errors: ['not_found'],
});

export const revokeKey = operation({
  id: 'keys.revoke',
  summary: 'Revoke an API key immediately and permanently',
  tag: 'keys',
  http: { method: 'DELETE', path: '/user/keys/{id}', statuses: [200] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: key,
  example: {
    input: { id: KEY_ID },
    output: { ...KEY, active: false, revoked_at: '2026-11-30T10:05:00.000Z' },
  },
  errors: ['not_found'],
});

export const rotateKey = operation({
  id: 'keys.rotate',
  summary: 'Replace an API key',
  description:
    'Returns a new key with the same name, scopes, expiry and limit, which must be within those of the calling key. The old key works for `grace_seconds` more.',
  tag: 'keys',
  http: { method: 'POST', path: '/user/keys/{id}/rotate', statuses: [201] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write', returnsSecret: true },
  input: z.strictObject({
    id: f.id,
    grace_seconds: z.int().min(0).max(604_800).default(0),
  }),
  output: createdKey.extend({
    previous_key_id: f.id.meta({ description: 'The rotated key.' }),
    previous_key_expires_at: f.instant.meta({ description: 'End of its grace period.' }),
  }),
  example: {
    input: { id: KEY_ID, grace_seconds: 3600 },
    output: {
      ...NEW_KEY,
      name: KEY.name,
      previous_key_id: KEY_ID,
      previous_key_expires_at: '2026-11-30T11:02:11.840Z',
    },
  },
  errors: ['not_found'],
});

/** Responds in the same way whether a key was revoked or not, so that it does not reveal which keys exist. */
export const reportLeakedKey = publicOperation({
  id: 'keys.leaked',
  summary: 'Report an API key that is public',
  description:
    'Needs no key. An active key is revoked immediately and its owner is notified. The response is always the same.',
  tag: 'keys',
  http: { method: 'POST', path: '/keys/leaked', statuses: [202] },
  input: z.strictObject({ api_key: z.string().max(1_000) }),
  output: z.strictObject({ received: z.literal(true) }),
  example: {
    input: { api_key: API_KEY },
    output: { received: true },
  },
});
