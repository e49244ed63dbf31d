import { z } from 'zod';
import { ACCOUNT_ID, KEY_ID, MEMORY } from './examples.ts';
import * as f from './fields.ts';
import { operation, SCOPES } from './operation.ts';
import { PLAN_SHARE, planShare, REQUEST, request } from './usage.ts';

const scope = z.enum(SCOPES);

const MEMBERSHIP = {
  id: 'mem_EXAMPLE0000',
  plan: 'starter',
  status: 'active',
  grants_access: true,
  period_end: '2026-12-26T14:03:55.000Z',
  cancel_at_period_end: false,
  manage_url: 'https://whop.com/billing/manage/mem_EXAMPLE0000',
  as_of: '2026-11-30T03:10:00.000Z',
};

/** A membership at Whop. */
const membership = z.strictObject({
  id: z.string().meta({ description: "Whop's id of the membership." }),
  plan: z.string(),
  status: z.string().meta({ description: "Whop's status." }),
  grants_access: z.boolean(),
  period_end: f.instant.nullable().meta({ description: 'When it renews, or ends.' }),
  cancel_at_period_end: z.boolean(),
  manage_url: z
    .string()
    .nullable()
    .meta({ description: "Whop's page to change, pay or cancel it, with its invoices." }),
  as_of: f.instant.nullable().meta({ description: 'When it was read from Whop; null if only reported by it.' }),
});

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
    billing: z.strictObject({
      summary: z.string().meta({ description: 'The plan and what becomes of it, as a sentence.' }),
      renews_at: f.instant.nullable(),
      ends_at: f.instant.nullable().meta({ description: 'End of a canceled plan.' }),
      manage_url: z.string().nullable().meta({ description: "Whop's page to change, pay or cancel the plan." }),
    }),
    memberships: z.array(membership).meta({ description: 'Those that grant access first.' }),
    created_at: f.instant,
    purge_at: f.instant.nullable().meta({ description: 'Time at which the account is deleted permanently.' }),
    key: z
      .strictObject({
        id: f.id,
        scopes: z.array(scope),
        projects: z.array(z.string()).nullable().meta({ description: 'The projects that it is bound to; null: all.' }),
      })
      .nullable()
      .meta({ description: 'The calling key; null in the dashboard.' }),
    session: z
      .strictObject({ id: f.id })
      .nullable()
      .meta({ description: 'The session of the dashboard; null for a key.' }),
    is_operator: z.boolean().meta({ description: 'Whether this is a session of the operator of the service.' }),
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
      billing: {
        summary: 'This account is on the starter plan, which renews on December 26, 2026.',
        renews_at: MEMBERSHIP.period_end,
        ends_at: null,
        manage_url: MEMBERSHIP.manage_url,
      },
      memberships: [MEMBERSHIP],
      created_at: '2026-11-26T14:03:55.120Z',
      purge_at: null,
      key: {
        id: KEY_ID,
        scopes: ['memories:read', 'memories:write', 'account:read', 'keys:write'],
        projects: null,
      },
      session: null,
      is_operator: false,
    },
  },
  errors: [],
});

export const overview = operation({
  id: 'user.overview',
  summary: 'Get an overview of the account',
  description:
    'Usage against the plan, the newest memories (null for a key without `memories:read`), the last calls, and what needs attention.',
  tag: 'account',
  http: { method: 'GET', path: '/user/overview', statuses: [200] },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    plan: planShare,
    account: z.strictObject({ status: z.string(), purge_at: f.instant.nullable() }),
    memories: z
      .array(
        z.strictObject({
          id: f.id,
          title: z.string(),
          excerpt: z.string().meta({ description: 'The first 200 characters of the content.' }),
          type: f.memoryType,
          project: z.string().nullable(),
          tags: z.array(z.string()),
          created_at: f.instant,
          updated_at: f.instant,
        }),
      )
      .nullable(),
    requests: z.array(request),
    attention: z
      .array(
        z.strictObject({
          kind: z.enum([
            'calls_limit',
            'storage_limit',
            'payment_failed',
            'plan_ends',
            'read_only',
            'account_closing',
            'key_expires',
            'webhook_failing',
            'index_behind',
            'not_indexed',
          ]),
          severity: z.enum(['critical', 'warning', 'info']),
          message: z.string().meta({ description: 'Sentences for people.' }),
          link: z
            .strictObject({ label: z.string(), href: z.string() })
            .nullable()
            .meta({ description: 'Where to act: a path of the dashboard, or a page at Whop.' }),
        }),
      )
      .meta({ description: 'The most severe first.' }),
  }),
  example: {
    input: {},
    output: {
      plan: PLAN_SHARE,
      account: { status: 'active', purge_at: null },
      memories: [
        {
          id: MEMORY.id,
          title: MEMORY.title,
          excerpt: MEMORY.content,
          type: MEMORY.type,
          project: MEMORY.project,
          tags: MEMORY.tags,
          created_at: MEMORY.created_at,
          updated_at: MEMORY.updated_at,
        },
      ],
      requests: [REQUEST],
      attention: [
        {
          kind: 'key_expires',
          severity: 'warning',
          message: 'The key "Laptop" expires on December 9, 2026. Clients that use it stop working then.',
          link: { label: 'Extend or rotate', href: `/app/keys?key=${KEY_ID}` },
        },
      ],
    },
  },
  errors: [],
});

export const memberships = operation({
  id: 'user.memberships',
  summary: 'List memberships, and the plans to change to',
  description: 'Memberships at Whop, those that grant access first. Without billing there are none.',
  tag: 'account',
  http: { method: 'GET', path: '/user/memberships', statuses: [200] },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(membership),
    plans: z.array(
      z.strictObject({
        name: z.string(),
        price: z.string(),
        is_current: z.boolean(),
        checkout_url: z.string().nullable().meta({ description: 'Where it can be bought; null where it is not sold.' }),
      }),
    ),
  }),
  example: {
    input: {},
    output: {
      results: [MEMBERSHIP],
      plans: [
        {
          name: 'starter',
          price: '$10 a month',
          is_current: true,
          checkout_url: 'https://whop.com/checkout/plan_EXAMPLE1',
        },
        {
          name: 'pro',
          price: '$30 a month',
          is_current: false,
          checkout_url: 'https://whop.com/checkout/plan_EXAMPLE2',
        },
      ],
    },
  },
  errors: [],
});

export const auditLog = operation({
  id: 'user.audit_log',
  summary: 'List what was done to the account',
  description: 'Changes of keys, plan, status and sessions, exports, and acts of the operator, newest first.',
  tag: 'account',
  http: { method: 'GET', path: '/user/audit-log', statuses: [200] },
  access: { scope: 'account:read', allowedWhileClosing: true, wholeAccount: true },
  execution: { kind: 'read' },
  input: z.strictObject({ limit: f.limit(50), cursor: f.cursor.optional() }),
  output: z.strictObject({
    results: z.array(
      z.strictObject({
        id: f.id,
        at: f.instant,
        actor: z.string().meta({
          description: '`key:<id>`, `session:<id>`, `operator:<account id>`, `admin`, or the part of the service.',
        }),
        actor_name: z.string().nullable().meta({ description: 'Name of the key.' }),
        action: z.string().meta({ description: 'Such as `keys.create`.' }),
        target: z.string().nullable().meta({ description: 'Id of what was changed.' }),
        target_name: z.string().nullable().meta({ description: 'Name of the changed key.' }),
        details: z.record(z.string(), z.unknown()),
      }),
    ),
    next_cursor: z.string().nullable(),
  }),
  example: {
    input: { limit: 1 },
    output: {
      results: [
        {
          id: '019ad3d0-91b5-7c80-a1b2-c3d4e5f60718',
          at: '2026-11-30T10:02:11.840Z',
          actor: `key:${KEY_ID}`,
          actor_name: 'Laptop',
          action: 'keys.create',
          target: '019ad3d0-91b4-7d2e-a6f8-0c3b5e7d1a29',
          target_name: 'CI',
          details: {},
        },
      ],
      next_cursor: null,
    },
  },
  errors: [],
});
