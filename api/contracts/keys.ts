import { z } from 'zod';
import { API_KEY, KEY, KEY_ID, NEW_KEY } from './examples.ts';
import * as f from './fields.ts';
import { operation, publicOperation, SCOPES } from './operation.ts';

const scope = z.enum(SCOPES);

/** The name of a key appears in e-mails, logs and lists, where a line break could fake another line. */
export function isOneLine(name: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name);
}

export const key = z.strictObject({
  id: f.id,
  name: z.string(),
  prefix: z.string(),
  last4: z.string(),
  scopes: z.array(scope),
  projects: z.array(z.string()).nullable().meta({
    description: 'The key sees and writes the memories of these only; "none": those of no project. Null: all.',
  }),
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
  projects: f.keyProjects.nullable().meta({
    description:
      'Binds the key to projects: it sees and writes the memories of these only. "none": those of no project. Null: all.',
  }),
  expires_at: f.moment.nullable(),
  rpm_limit: z.int().min(1).max(1_000_000).nullable().meta({ description: "Calls a minute, below the plan's limit." }),
};

/** Days of calls that a list of keys has. */
export const KEY_ACTIVITY_DAYS = 30;

/** A key with what it was last used for. */
const usedKey = key.extend({
  last_call: z
    .strictObject({
      at: f.instant,
      transport: f.transport,
      client: z
        .string()
        .nullable()
        .meta({ description: 'Name of the client, such as `claude-code`; null if unknown.' }),
      operation: z.string(),
      endpoint: z.string().meta({ description: 'Method and path, tool name, or resource.' }),
    })
    .nullable()
    .meta({ description: `The last recorded call of the last ${KEY_ACTIVITY_DAYS} days.` }),
});

const USED_KEY = {
  ...KEY,
  last_call: {
    at: KEY.last_used_at,
    transport: 'mcp_http' as const,
    client: 'claude-code',
    operation: 'search.query',
    endpoint: 'search_memories',
  },
};

export const listKeys = operation({
  id: 'keys.list',
  summary: 'List API keys',
  tag: 'keys',
  http: { method: 'GET', path: '/user/keys', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(
      usedKey.extend({
        calls_by_day: z
          .array(z.int())
          .meta({ description: `Calls of the last ${KEY_ACTIVITY_DAYS} UTC days, today last.` }),
      }),
    ),
    total: z.int(),
  }),
  example: {
    input: {},
    output: { results: [{ ...USED_KEY, calls_by_day: [...Array(KEY_ACTIVITY_DAYS - 2).fill(0), 12, 61] }], total: 1 },
  },
  errors: [],
});

export const getKey = operation({
  id: 'keys.get',
  summary: 'Get an API key and its last call',
  description: 'Cheap enough to poll until the first call of a new key arrives.',
  tag: 'keys',
  http: { method: 'GET', path: '/user/keys/{id}', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({ id: f.id }),
  output: usedKey,
  example: {
    input: { id: KEY_ID },
    output: USED_KEY,
  },
  errors: ['not_found'],
});

export const createKey = operation({
  id: 'keys.create',
  summary: 'Create an API key',
  description:
    'Scopes, projects, expiry and limit must be within those of the calling key, which are the defaults. Only this response contains the key.',
  tag: 'keys',
  http: { method: 'POST', path: '/user/keys', statuses: [201] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write', returnsSecret: true },
  input: z.strictObject({
    name: keyFields.name,
    scopes: keyFields.scopes.optional().meta({ description: 'Default: the scopes of the calling key.' }),
    projects: keyFields.projects.optional(),
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
  summary: 'Change the name, scopes, projects, expiry or limit of an API key',
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
    projects: keyFields.projects.optional(),
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
    'Returns a new key with the same name, scopes, projects, expiry and limit, which must be within those of the calling key. The old key works for `grace_seconds` more.',
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
