import { z } from 'zod';
import { ACCOUNT_ID } from './examples.ts';
import * as f from './fields.ts';
import { operatorOperation } from './operation.ts';

/*
 * Operations on background work for the operator of the service: webhooks of Whop, jobs, e-mails, comparisons with Whop.
 */

const WEBHOOK_ID = 'msg_2Xk9Lq7Ta4kPm';
const MAIL_ID = '019ad3c8-2e90-7a47-8b31-d5f6c0e9a712';
const AT = '2026-11-30T10:02:11.840Z';

const page = { limit: f.limit(50, 100), cursor: f.cursor.optional() };
const errorText = z
  .string()
  .nullable()
  .meta({ description: 'The last error, without addresses, keys and quoted text.' });

const webhook = {
  webhook_id: z.string(),
  type: z.string(),
  state: z.enum(['pending', 'processed', 'ignored', 'dead']),
  received_at: f.instant,
  processed_at: f.instant.nullable(),
  deliveries: z.int(),
  attempts: z.int(),
  last_error: errorText,
};
/** Whop's ids may contain any printable characters. */
const webhookId = z.string().min(1).max(200);

const WEBHOOK = {
  webhook_id: WEBHOOK_ID,
  type: 'membership.activated',
  state: 'dead' as const,
  received_at: AT,
  processed_at: null,
  deliveries: 1,
  attempts: 12,
  last_error: 'Whop responded with 503',
};

export const overview = operatorOperation({
  id: 'admin.overview',
  summary: 'Count what needs the attention of the operator',
  http: { method: 'GET', path: '/admin/overview', statuses: [200] },
  kind: 'read',
  input: z.strictObject({}),
  output: z.strictObject({
    users: z.int(),
    dead_webhooks: z.int(),
    pending_webhooks: z.int(),
    dead_jobs: z.int(),
    failed_mails: z.int(),
    pending_mails: z.int(),
    rejected_mails: z.int(),
    embedding: z.strictObject({
      waiting: z.int(),
      reembedding: z.int(),
      oldest_seconds: z.int(),
      failed: z.int().meta({ description: 'Memories that cannot be embedded. Counted up to 100,000, as the others.' }),
    }),
  }),
  example: {
    input: {},
    output: {
      users: 1_204,
      dead_webhooks: 1,
      pending_webhooks: 0,
      dead_jobs: 0,
      failed_mails: 0,
      pending_mails: 2,
      rejected_mails: 5,
      embedding: { waiting: 12, reembedding: 0, oldest_seconds: 3, failed: 1 },
    },
  },
  errors: [],
});

export const listWebhooks = operatorOperation({
  id: 'admin.webhooks.list',
  summary: 'List webhooks of Whop, newest first',
  http: { method: 'GET', path: '/admin/webhooks', statuses: [200] },
  kind: 'read',
  input: z.strictObject({ state: webhook.state.optional(), ...page }),
  output: z.strictObject({ results: z.array(z.strictObject(webhook)), next_cursor: z.string().nullable() }),
  example: { input: { state: 'dead' }, output: { results: [WEBHOOK], next_cursor: null } },
  errors: [],
});

export const getWebhook = operatorOperation({
  id: 'admin.webhooks.get',
  summary: 'Get a webhook with its payload, without secrets',
  http: { method: 'GET', path: '/admin/webhooks/{id}', statuses: [200] },
  kind: 'read',
  input: z.strictObject({ id: webhookId }),
  output: z.strictObject({
    ...webhook,
    user_id: f.id.nullable().meta({ description: 'The account that it is about, where it is known.' }),
    payload: z.unknown().meta({ description: 'License keys, tokens, links and payment details are replaced.' }),
  }),
  example: {
    input: { id: WEBHOOK_ID },
    output: {
      ...WEBHOOK,
      user_id: ACCOUNT_ID,
      payload: { type: 'membership.activated', data: { id: 'mem_8Hd2kQ7LxW' } },
    },
  },
  errors: [],
});

export const replayWebhook = operatorOperation({
  id: 'admin.webhooks.replay',
  summary: 'Process a dead or pending webhook again',
  http: { method: 'POST', path: '/admin/webhooks/{id}/replay', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: webhookId }),
  output: z.strictObject({
    webhook_id: z.string(),
    replayed: z.boolean().meta({ description: 'False for one that is processed, or that has no event.' }),
    processed_at: f.instant.nullable(),
  }),
  example: { input: { id: WEBHOOK_ID }, output: { webhook_id: WEBHOOK_ID, replayed: true, processed_at: null } },
  errors: [],
});

const job = z.strictObject({
  id: z.string(),
  task: z.string(),
  attempts: z.int(),
  created_at: f.instant,
  failed_at: f.instant,
  last_error: errorText,
});

export const listJobs = operatorOperation({
  id: 'admin.jobs.list',
  summary: 'List jobs that failed for good',
  description: 'Except those of webhooks and e-mails, which have lists of their own. Newest first.',
  http: { method: 'GET', path: '/admin/jobs', statuses: [200] },
  kind: 'read',
  input: z.strictObject(page),
  output: z.strictObject({ results: z.array(job), next_cursor: z.string().nullable() }),
  example: {
    input: {},
    output: {
      results: [
        {
          id: '4711',
          task: 'reconcile_memberships',
          attempts: 5,
          created_at: AT,
          failed_at: AT,
          last_error: 'Whop responded with 503',
        },
      ],
      next_cursor: null,
    },
  },
  errors: [],
});

export const retryJob = operatorOperation({
  id: 'admin.jobs.retry',
  summary: 'Run a job again that failed for good',
  http: { method: 'POST', path: '/admin/jobs/{id}/retry', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ id: z.string().regex(/^\d{1,18}$/, 'must be the id of a job') }),
  output: z.strictObject({ id: z.string(), retried: z.literal(true) }),
  example: { input: { id: '4711' }, output: { id: '4711', retried: true } },
  errors: [],
});

const mail = z.strictObject({
  user_id: f.id,
  id: f.id,
  recipient: z.string(),
  template: z.string(),
  state: z.enum(['pending', 'failed', 'rejected', 'sent']),
  created_at: f.instant,
  sent_at: f.instant.nullable(),
  rejected_at: f.instant.nullable(),
  attempts: z.int(),
  last_error: errorText,
});

export const listMails = operatorOperation({
  id: 'admin.mails.list',
  summary: 'List e-mails of the outbox, newest first',
  description:
    '`pending`: not sent yet; `failed`: the last attempt failed; `rejected`: the mail server did not accept it. The texts are not shown.',
  http: { method: 'GET', path: '/admin/mails', statuses: [200] },
  kind: 'read',
  input: z.strictObject({ state: mail.shape.state.optional(), user_id: f.id.optional(), ...page }),
  output: z.strictObject({ results: z.array(mail), next_cursor: z.string().nullable() }),
  example: {
    input: { state: 'failed' },
    output: {
      results: [
        {
          user_id: ACCOUNT_ID,
          id: MAIL_ID,
          recipient: 'ada@example.com',
          template: 'key_created',
          state: 'failed',
          created_at: AT,
          sent_at: null,
          rejected_at: null,
          attempts: 25,
          last_error: 'connect ECONNREFUSED',
        },
      ],
      next_cursor: null,
    },
  },
  errors: [],
});

export const retryMail = operatorOperation({
  id: 'admin.mails.retry',
  summary: 'Try to send an e-mail again',
  description: 'A rejected e-mail is not kept and cannot be sent again.',
  http: { method: 'POST', path: '/admin/mails/{user_id}/{id}/retry', statuses: [200] },
  kind: 'write',
  input: z.strictObject({ user_id: f.id, id: f.id }),
  output: z.strictObject({ user_id: f.id, id: f.id, retried: z.literal(true) }),
  example: {
    input: { user_id: ACCOUNT_ID, id: MAIL_ID },
    output: { user_id: ACCOUNT_ID, id: MAIL_ID, retried: true },
  },
  errors: [],
});

const reconciliation = z.strictObject({
  id: f.id,
  started_at: f.instant,
  finished_at: f.instant.nullable(),
  memberships: z.int(),
  differences: z.int(),
  failed: z.int(),
  error: errorText,
});

export const getReconciliation = operatorOperation({
  id: 'admin.reconciliation.get',
  summary: 'Get the last comparisons with Whop, and the differences that they repaired',
  http: { method: 'GET', path: '/admin/reconciliation', statuses: [200] },
  kind: 'read',
  input: z.strictObject({}),
  output: z.strictObject({
    enabled: z.boolean().meta({ description: 'False where nothing is sold: `WHOP_API_KEY` is not set.' }),
    state: z.enum(['idle', 'waiting', 'running']),
    runs: z.array(reconciliation).meta({ description: 'The last 10, newest first.' }),
    differences: z
      .array(
        z.strictObject({
          id: f.id,
          reconciliation_id: f.id,
          user_id: f.id,
          email: z.string().nullable(),
          membership_id: z.string().nullable(),
          what: z.string(),
          from: z.string().nullable(),
          to: z.string(),
        }),
      )
      .meta({ description: 'The last 100 of 30 days, newest first.' }),
  }),
  example: {
    input: {},
    output: {
      enabled: true,
      state: 'idle',
      runs: [
        { id: MAIL_ID, started_at: AT, finished_at: AT, memberships: 812, differences: 1, failed: 0, error: null },
      ],
      differences: [
        {
          id: MAIL_ID,
          reconciliation_id: MAIL_ID,
          user_id: ACCOUNT_ID,
          email: 'ada@example.com',
          membership_id: 'mem_8Hd2kQ7LxW',
          what: 'plan',
          from: 'starter',
          to: 'pro',
        },
      ],
    },
  },
  errors: [],
});

export const runReconciliation = operatorOperation({
  id: 'admin.reconciliation.run',
  summary: 'Compare all memberships with Whop now',
  description: 'Enqueues the job, unless it waits already. 422 where nothing is sold.',
  http: { method: 'POST', path: '/admin/reconciliation', statuses: [202] },
  kind: 'write',
  input: z.strictObject({}),
  output: z.strictObject({ enqueued: z.literal(true) }),
  example: { input: {}, output: { enqueued: true } },
  errors: [],
});
