import { z } from 'zod';
import { KEY_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';

const clientName = z.string().meta({ description: 'Name of the client without its version, such as `claude-code`.' });

/** Which calls are summed or listed. */
const callFilter = {
  key_id: f.id.optional().meta({ description: 'Only calls with this key.' }),
  client: clientName.max(64).optional(),
  transport: f.transport.optional(),
  operation: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'Only calls of this operation, such as `search.query`.' }),
};

/** The number that a bill goes by. */
const BILLABLE =
  'Calls that a bill goes by: each that passed the checks of key, scope, plan and limits counts once, whatever units it cost, unless the service failed. A call that was rejected by one of these checks never counts.';

const quotaShare = { used: z.int(), limit: z.int(), percent: z.number() };

/** Usage of today and of the storage, against the plan's limits. */
export const planShare = z.strictObject({
  name: z.string(),
  calls_today: z.strictObject({ ...quotaShare, resets_at: f.instant }),
  requests_this_month: z.int().meta({ description: '`billable` calls since the first of the UTC month.' }),
  storage_bytes: z.strictObject(quotaShare),
});

export const PLAN_SHARE = {
  name: 'starter',
  calls_today: { used: 61, limit: 5_000, percent: 1.2, resets_at: '2026-12-01T00:00:00.000Z' },
  requests_this_month: 1_204,
  storage_bytes: { used: 284_310, limit: 100_000_000, percent: 0.3 },
};

export const usage = operation({
  id: 'user.usage',
  summary: 'Get usage, and its share of the plan',
  description:
    'A row per day, transport and operation, or per value of `group_by`; by hour at most 7 days at once. Percentiles are ' +
    'estimated from counts by ranges of durations. Calls of the dashboard are left out unless `transport` is `dashboard`.',
  tag: 'account',
  http: { method: 'GET', path: '/user/usage', statuses: [200] },
  mcp: { resource: 'memory://usage' },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    from: z.iso.date().optional().meta({ description: 'UTC day. Default: 30 days before `to`.' }),
    to: z.iso.date().optional().meta({ description: 'UTC day, inclusive. Default: today.' }),
    days: z.int().min(1).max(400).optional().meta({ description: 'Number of days up to `to`, instead of `from`.' }),
    group_by: z.enum(['day', 'hour', 'month', 'operation', 'key', 'transport', 'client']).optional(),
    ...callFilter,
  }),
  output: z.strictObject({
    from: z.iso.date(),
    to: z.iso.date(),
    results: z
      .array(
        z.strictObject({
          day: z.iso.date().optional(),
          month: z.string().optional().meta({ description: 'UTC month, such as 2026-11.' }),
          hour: f.instant.optional().meta({ description: 'Start of the hour.' }),
          transport: f.transport.optional(),
          operation: z.string().optional(),
          endpoint: z.string().optional().meta({ description: 'Method and path, tool name, or resource.' }),
          key_id: f.id.nullable().optional(),
          key_name: z.string().nullable().optional(),
          client: clientName.nullable().optional(),
          calls: z.int(),
          billable: z.int().meta({ description: BILLABLE }),
          errors: z.int(),
          mean_ms: z.number(),
          p50_ms: z
            .number()
            .nullable()
            .meta({ description: 'Estimated median; null where durations were not counted.' }),
          p95_ms: z.number().nullable().meta({ description: 'Estimated 95th percentile.' }),
          bytes_in: z.int(),
          bytes_out: z.int(),
          quota_units: z
            .int()
            .meta({ description: "Quota units consumed of the day's limit: 1 per call; a batch costs one per item." }),
          tokens: z.int().meta({ description: 'Tokens of results for models (o200k_base).' }),
        }),
      )
      .meta({ description: 'Newest first, or most calls first. A row has the fields that it is grouped by.' }),
    totals: z.strictObject({ calls: z.int(), billable: z.int().meta({ description: BILLABLE }), errors: z.int() }),
    plan: planShare,
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
          p50_ms: 14.2,
          p95_ms: 46.7,
          bytes_in: 96_120,
          bytes_out: 601_377,
          quota_units: 412,
          tokens: 148_205,
        },
      ],
      totals: { calls: 412, billable: 410, errors: 3 },
      plan: PLAN_SHARE,
    },
  },
  errors: [],
});

export const usageCsv = operation({
  id: 'user.usage_csv',
  summary: 'Get usage as CSV',
  description:
    'A header row, then a row per day, transport and operation, oldest day first: of a month, or of at most 400 days. ' +
    'Calls of the dashboard are left out unless `transport` is `dashboard`.',
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
    from: z.iso.date().optional().meta({ description: 'UTC day, instead of `month`.' }),
    to: z.iso.date().optional().meta({ description: 'UTC day, inclusive. Default with `from`: today.' }),
    ...callFilter,
  }),
  output: z.string(),
  example: {
    input: { month: '2026-11' },
    output:
      'day,transport,operation,endpoint,calls,billable,errors,mean_ms,p50_ms,p95_ms,bytes_in,bytes_out,quota_units,tokens\r\n' +
      '2026-11-30,mcp_http,memories.create,create_memory,24,24,0,21.7,19.6,48.2,9310,12480,24,0\r\n',
  },
  errors: [],
});

/** A call in the request log. */
export const request = z.strictObject({
  id: f.id.meta({ description: 'Id of its usage event, as `X-Usage-Event` names it.' }),
  at: f.instant.meta({ description: 'Time at which it ended.' }),
  operation: z.string(),
  endpoint: z.string().meta({ description: 'Method and path, tool name, or resource.' }),
  transport: f.transport,
  method: z.string(),
  client: z
    .string()
    .nullable()
    .meta({ description: 'Product and version, such as `claude-code/2.1.328`; null if unknown.' }),
  key_id: f.id.nullable(),
  key_name: z.string().nullable(),
  status: z.int(),
  code: z.string().nullable().meta({ description: 'Code of the error.' }),
  request_id: z.string().nullable().meta({ description: '`X-Request-Id` of its response.' }),
  duration_ms: z.number(),
  bytes_in: z.int(),
  bytes_out: z.int(),
  quota_units: z.int(),
  tokens: z.int().nullable().meta({ description: 'Tokens of the result for a model, where they are counted.' }),
  billable: z.boolean(),
});

export const REQUEST: z.output<typeof request> = {
  id: '019ad3b2-7d02-7a15-b3c4-5e6f708192a3',
  at: '2026-11-30T09:41:07.530Z',
  operation: 'memories.create',
  endpoint: 'create_memory',
  transport: 'mcp_http',
  method: 'tools/call',
  client: 'claude-code/2.1.328',
  key_id: KEY_ID,
  key_name: 'Laptop',
  status: 201,
  code: null,
  request_id: '019ad3b2-7cf1-7d3b-8e0f-1a2b3c4d5e6f',
  duration_ms: 21.7,
  bytes_in: 388,
  bytes_out: 520,
  quota_units: 1,
  tokens: 42,
  billable: true,
};

export const requests = operation({
  id: 'user.requests',
  summary: 'List the calls of the last 7 days',
  description:
    'Newest first. A page looks through a bounded number of calls, so with a filter it may be short or empty and still have a ' +
    '`next_cursor`. Calls of the dashboard are left out unless `transport` is `dashboard`.',
  tag: 'account',
  http: { method: 'GET', path: '/user/requests', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    from: f.moment.optional().meta({ description: 'Only calls since then; at most 7 days ago.' }),
    to: f.moment.optional().meta({ description: 'Only calls before then.' }),
    ...callFilter,
    status: z
      .enum(['ok', 'error', 'client_error', 'server_error'])
      .optional()
      .meta({ description: '`ok`: below 400; `client_error`: 4xx; `server_error`: 5xx; `error`: both.' }),
    limit: f.limit(50),
    cursor: f.cursor.optional(),
  }),
  output: z.strictObject({
    results: z.array(request),
    next_cursor: z.string().nullable(),
    searched_to: f.instant.meta({ description: 'Time of the oldest call that was looked at.' }),
  }),
  example: {
    input: { status: 'ok', limit: 1 },
    output: { results: [REQUEST], next_cursor: null, searched_to: '2026-11-30T09:41:07.530Z' },
  },
  errors: [],
});
