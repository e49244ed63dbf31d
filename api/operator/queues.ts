import { z } from 'zod';
import { countUsers } from '../../db/queries/accounts/operator-users.ts';
import { countOpenWebhooks } from '../../db/queries/billing/webhook-inbox.ts';
import { countDeadJobs, listDeadJobs, retryDeadJob } from '../../db/queries/jobs/dead-jobs.ts';
import { enqueue } from '../../db/queries/jobs/job-queue.ts';
import { sendEmailJob } from '../../db/queries/jobs/job-types.ts';
import { countUnsentEmails, type EmailState, listEmails, lockEmailState } from '../../db/queries/jobs/outbox-list.ts';
import { countEmbeddingFailures, readBacklog } from '../../db/queries/search/embedding-backlog.ts';
import { audit, operatorActor } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id as uuid } from '../contracts/fields.ts';
import { Problem } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';
import { redactError } from './redact.ts';

const JOB_POSITION = z.tuple([z.string().regex(/^\d{1,18}$/)]);
const EMAIL_POSITION = z.tuple([z.iso.datetime(), uuid]);
const JOBS = 'admin.jobs';

/** Counts what needs the attention of the operator. */
export async function overview({ sql }: RequestContext) {
  const webhooks = await countOpenWebhooks(sql);
  const mails = await countUnsentEmails(sql);
  const backlog = await readBacklog(sql);
  return {
    users: await countUsers(sql),
    dead_webhooks: webhooks.dead,
    pending_webhooks: webhooks.pending,
    dead_jobs: await countDeadJobs(sql),
    failed_mails: mails.failed,
    pending_mails: mails.pending,
    rejected_mails: mails.rejected,
    embedding: {
      waiting: backlog.waiting,
      reembedding: backlog.reembedding,
      oldest_seconds: backlog.oldestSeconds,
      failed: await countEmbeddingFailures(sql),
    },
  };
}

/** Lists the jobs that failed for good, newest first. */
export async function listJobs(
  { sql }: RequestContext,
  _caller: Caller,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const before = cursor === undefined ? undefined : decodeCursor(JOBS, cursor, JOB_POSITION)[0];
  const rows = await listDeadJobs(sql, { before, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    results: shown.map((row) => ({
      ...row,
      created_at: row.created_at.toISOString(),
      failed_at: row.failed_at.toISOString(),
      last_error: redactError(row.last_error),
    })),
    next_cursor: last && rows.length > limit ? encodeCursor(JOBS, [last.id]) : null,
  };
}

/** Runs a dead job again. Written to the audit log of its account, or else of the operator. @throws Problem `not_found` */
export async function retryJob(context: RequestContext, caller: Caller, { id }: { id: string }) {
  const job = await retryDeadJob(context.sql, id);
  if (!job) throw new Problem('not_found', { detail: 'There is no such failed job; it may have run meanwhile.' });
  await audit(context, job.user_id ?? caller.userId, {
    actor: operatorActor(caller),
    action: 'jobs.retry',
    target: id,
    details: { task: job.task },
  });
  return { id, retried: true as const };
}

/** Lists e-mails of the outbox, newest first, without their texts. */
export async function listMails(
  { sql }: RequestContext,
  _caller: Caller,
  input: {
    state?: EmailState | undefined;
    user_id?: string | undefined;
    limit: number;
    cursor?: string | undefined;
  },
) {
  const { state, user_id: userId, limit, cursor } = input;
  const bound = ['admin.mails', state ?? null, userId ?? null];
  const position = cursor === undefined ? undefined : decodeCursor(bound, cursor, EMAIL_POSITION);
  const after = position && { created_at: new Date(position[0]), id: position[1] };
  const rows = await listEmails(sql, { state, userId, limit: limit + 1, after });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    results: shown.map((row) => ({
      ...row,
      created_at: row.created_at.toISOString(),
      sent_at: row.sent_at?.toISOString() ?? null,
      rejected_at: row.rejected_at?.toISOString() ?? null,
      last_error: redactError(row.last_error),
    })),
    next_cursor: last && rows.length > limit ? encodeCursor(bound, [last.created_at.toISOString(), last.id]) : null,
  };
}

/**
 * Tries to send an e-mail again, with all its attempts.
 * @throws Problem `not_found`; `unprocessable` for one that is sent or rejected
 */
export async function retryMail(
  context: RequestContext,
  caller: Caller,
  { user_id, id }: { user_id: string; id: string },
) {
  const state = await lockEmailState(context.sql, user_id, id);
  if (!state) throw new Problem('not_found', { detail: 'There is no such e-mail.' });
  if (state === 'sent') throw new Problem('unprocessable', { detail: 'The e-mail has been sent.' });
  if (state === 'rejected')
    throw new Problem('unprocessable', {
      detail: 'The mail server rejected the e-mail, and its text was deleted. Correct the address of the account.',
    });
  await enqueue(context.sql, sendEmailJob, { user_id, id }, { key: `mail:${id}` });
  await audit(context, user_id, { actor: operatorActor(caller), action: 'mails.retry', target: id });
  return { user_id, id, retried: true as const };
}
