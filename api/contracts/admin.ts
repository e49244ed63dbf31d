import { z } from 'zod';
import { auditLog as ownAuditLog } from './account.ts';
import { ACCOUNT_ID, KEY_ID } from './examples.ts';
import * as f from './fields.ts';
import { operatorOperation, SCOPES } from './operation.ts';

/*
 * Operations on accounts for the operator of the service. They show counts of memories, and never their contents.
 */

const plan = z.enum(['free', 'starter', 'pro', 'enterprise']);
const limitOverride = z.int().min(1).max(1_000_000_000_000).nullable();

const account = {
  id: f.id,
  email: z.string().nullable(),
  whop_user_id: z.string().nullable(),
  plan,
  status: z.enum(['active', 'read_only', 'closing', 'deleted']),
  is_operator: z.boolean(),
  created_at: f.instant,
  last_seen_at: f.instant.nullable(),
  storage_bytes: z.int(),
  memories: z.int(),
};

const overrides = z.strictObject({
  requests_per_minute: z.int().optional(),
  requests_per_day: z.int().optional(),
  storage_bytes: z.int().optional(),
});

const usageTotals = { calls: z.int(), billable: z.int(), errors: z.int() };

const membership = z.strictObject({
  id: z.string(),
  status: z.string(),
  grants_access: z.boolean(),
  plan,
  period_end: f.instant.nullable(),
  cancel_at_period_end: z.boolean(),
  confirmed: z.boolean().meta({ description: 'Whether Whop confirmed it, rather than a webhook reported it.' }),
});

const key = z.strictObject({
  id: f.id,
  name: z.string(),
  prefix: z.string(),
  last4: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  projects: z.array(z.string()).nullable(),
  active: z.boolean(),
  rpm_limit: z.int().nullable(),
  expires_at: f.instant.nullable(),
  revoked_at: f.instant.nullable(),
  last_used_at: f.instant.nullable(),
  created_at: f.instant,
});

const status = z.strictObject({
  user_id: f.id,
  status: account.status,
  purge_at: f.instant.nullable(),
});

const WHOP_USER = 'user_4kPm2Xs9Lq7Ta';
const AT = '2026-11-26T14:03:55.120Z';
const ACCOUNT = {
  id: ACCOUNT_ID,
  email: 'ada@example.com',
  whop_user_id: WHOP_USER,
  plan: 'starter' as const,
  status: 'active' as const,
  is_operator: false,
  created_at: AT,
  last_seen_at: '2026-11-30T09:12:44.018Z',
  storage_bytes: 284_310,
  memories: 412,
};

export const listUsers = operatorOperation({
  id: 'admin.users.list',
  summary: 'Find accounts',
  description:
    'By the beginning of an e-mail address, a Whop user id or an account id; all without `query`. Newest first.',
  http: { method: 'GET', path: '/admin/users', statuses: [200] },
  kind: 'read',
  input: z.strictObject({
    query: z.string().trim().max(254).optional(),
    limit: f.limit(25, 100),
    cursor: f.cursor.optional(),
  }),
  output: z.strictObject({ results: z.array(z.strictObject(account)), next_cursor: z.string().nullable() }),
  example: { input: { query: 'ada@' }, output: { results: [ACCOUNT], next_cursor: null } },
  errors: [],
});

export const getUser = operatorOperation({
  id: 'admin.users.get',
  summary: 'Get an account with its plan, usage, memberships and keys',
  http: { method: 'GET', path: '/admin/users/{id}', statuses: [200] },
  kind: 'read',
  input: z.strictObject({ id: f.id }),
  output: z.strictObject({
    ...account,
    read_only_since: f.instant.nullable(),
    closing_since: f.instant.nullable(),
    purge_at: f.instant.nullable(),
    overrides,
    limits: z.strictObject({ requests_per_minute: z.int(), requests_per_day: z.int(), storage_bytes: z.int() }),
    usage: z.strictObject({
      quota_units_today: z.int(),
      today: z.strictObject(usageTotals),
      last_30_days: z.strictObject(usageTotals),
      days: z.array(z.strictObject({ day: z.iso.date(), ...usageTotals })).meta({ description: 'Newest first.' }),
    }),
    embedding: z.strictObject({ pending: z.int(), failed: z.int() }),
    sessions: z.int(),
    memberships: z.array(membership),
    keys: z.array(key).meta({ description: 'The newest 200.' }),
  }),
  example: {
    input: { id: ACCOUNT_ID },
    output: {
      ...ACCOUNT,
      read_only_since: null,
      closing_since: null,
      purge_at: null,
      overrides: {},
      limits: { requests_per_minute: 60, requests_per_day: 5_000, storage_bytes: 100_000_000 },
      usage: {
        quota_units_today: 61,
        today: { calls: 61, billable: 61, errors: 0 },
        last_30_days: { calls: 412, billable: 410, errors: 3 },
        days: [{ day: '2026-11-30', calls: 61, billable: 61, errors: 0 }],
      },
      embedding: { pending: 0, failed: 0 },
      sessions: 1,
      memberships: [
        {
          id: 'mem_8Hd2kQ7LxW',
          status: 'active',
          grants_access: true,
          plan: 'starter',
          period_end: '2026-12-26T14:03:55.000Z',
          cancel_at_period_end: false,
          confirmed: true,
        },
      ],
      keys: [],
    },
  },
  errors: [],
});

export const auditLog = operatorOperation({
  id: 'admin.users.audit',
  summary: 'List what was done to an account',
  http: { method: 'GET', path: '/admin/users/{id}/audit', statuses: [200] },
  kind: 'read',
  input: ownAuditLog.input.extend({ id: f.id }),
  output: ownAuditLog.output,
  example: { input: { id: ACCOUNT_ID }, output: ownAuditLog.example.output },
  errors: [],
});

export const setPlan = operatorOperation({
  id: 'admin.users.set_plan',
  summary: "Set an account's plan",
  description:
    'Effective from the next request. A membership that grants access at Whop sets it back at the next comparison.',
  http: { method: 'PUT', path: '/admin/users/{id}/plan', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: f.id, plan }),
  output: z.strictObject({ user_id: f.id, plan }),
  example: { input: { id: ACCOUNT_ID, plan: 'pro' }, output: { user_id: ACCOUNT_ID, plan: 'pro' } },
  errors: [],
});

export const setOverrides = operatorOperation({
  id: 'admin.users.set_overrides',
  summary: "Replace the limits of an account that differ from its plan's",
  description: "Fields that are null or missing get the plan's limit.",
  http: { method: 'PUT', path: '/admin/users/{id}/overrides', statuses: [200] },
  kind: 'write',
  input: z.strictObject({
    id: f.id,
    requests_per_minute: limitOverride.optional(),
    requests_per_day: limitOverride.optional(),
    storage_bytes: limitOverride.optional(),
  }),
  output: z.strictObject({ user_id: f.id, overrides }),
  example: {
    input: { id: ACCOUNT_ID, requests_per_minute: 120 },
    output: { user_id: ACCOUNT_ID, overrides: { requests_per_minute: 120 } },
  },
  errors: [],
});

export const closeAccount = operatorOperation({
  id: 'admin.users.close',
  summary: 'Close an account, as its owner can',
  description:
    'Its keys and sessions can only export and restore it, it is purged after 30 days, and its owner gets an e-mail.',
  http: { method: 'POST', path: '/admin/users/{id}/close', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: f.id }),
  output: status,
  example: {
    input: { id: ACCOUNT_ID },
    output: { user_id: ACCOUNT_ID, status: 'closing', purge_at: '2026-12-30T10:00:00.000Z' },
  },
  errors: [],
});

export const restoreAccount = operatorOperation({
  id: 'admin.users.restore',
  summary: 'Restore a closed account',
  http: { method: 'POST', path: '/admin/users/{id}/restore', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: f.id }),
  output: status,
  example: { input: { id: ACCOUNT_ID }, output: { user_id: ACCOUNT_ID, status: 'active', purge_at: null } },
  errors: [],
});

export const revokeKey = operatorOperation({
  id: 'admin.keys.revoke',
  summary: 'Revoke a key of an account',
  http: { method: 'DELETE', path: '/admin/users/{id}/keys/{key_id}', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: f.id, key_id: f.id }),
  output: z.strictObject({ user_id: f.id, key_id: f.id, revoked: z.literal(true) }),
  example: {
    input: { id: ACCOUNT_ID, key_id: KEY_ID },
    output: { user_id: ACCOUNT_ID, key_id: KEY_ID, revoked: true },
  },
  errors: [],
});
