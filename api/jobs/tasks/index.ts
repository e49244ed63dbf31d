import type { TaskList } from 'graphile-worker';
import { traced } from '../../../db/client/trace.ts';
import type { Task, TaskContext } from '../define-task.ts';
import { backUpTask } from './back-up.ts';
import { deleteOldEmailsTask } from './delete-old-emails.ts';
import { deleteOldExportsTask } from './delete-old-exports.ts';
import { deleteOldIdempotencyKeysTask } from './delete-old-idempotency-keys.ts';
import { deleteOldImportsTask } from './delete-old-imports.ts';
import { deleteOldLinksAndSessionsTask } from './delete-old-links-and-sessions.ts';
import { deleteOldUsageEventsTask } from './delete-old-usage-events.ts';
import { deleteOldWebhookDeliveriesTask } from './delete-old-webhook-deliveries.ts';
import { deleteOldWebhooksTask } from './delete-old-webhooks.ts';
import { ensurePartitionsTask } from './ensure-partitions.ts';
import { exportAccountTask } from './export-account.ts';
import { processWebhookTask } from './process-webhook.ts';
import { purgeAccountTask } from './purge-account.ts';
import { purgeDueAccountsTask } from './purge-due-accounts.ts';
import { reconcileMembershipsTask } from './reconcile-memberships.ts';
import { reconcileQuotasTask } from './reconcile-quotas.ts';
import { recordServiceMinuteTask } from './record-service-minute.ts';
import { reindexTermsTask } from './reindex-terms.ts';
import { runImportTask } from './run-import.ts';
import { sendActivationLinksTask } from './send-activation-links.ts';
import { sendEmailTask } from './send-email.ts';
import { sendSignInLinksTask } from './send-sign-in-links.ts';
import { sendUsageAlertsTask } from './send-usage-alerts.ts';

/** All background tasks. */
export const TASKS: readonly Task[] = [
  backUpTask,
  deleteOldEmailsTask,
  deleteOldExportsTask,
  deleteOldIdempotencyKeysTask,
  deleteOldImportsTask,
  deleteOldLinksAndSessionsTask,
  deleteOldUsageEventsTask,
  deleteOldWebhookDeliveriesTask,
  deleteOldWebhooksTask,
  ensurePartitionsTask,
  exportAccountTask,
  processWebhookTask,
  purgeAccountTask,
  purgeDueAccountsTask,
  reconcileMembershipsTask,
  reconcileQuotasTask,
  recordServiceMinuteTask,
  reindexTermsTask,
  runImportTask,
  sendActivationLinksTask,
  sendEmailTask,
  sendSignInLinksTask,
  sendUsageAlertsTask,
];

/** The schedules of all tasks in graphile-worker's crontab format, one line a task. */
export const CRONTAB = TASKS.flatMap((task) => crontabLine(task) ?? []).join('\n');

/** Returns the handlers of all tasks by task name, as graphile-worker takes them. */
export function createTaskList(context: TaskContext): TaskList {
  return Object.fromEntries(
    TASKS.map((task) => [
      task.name,
      (payload, helpers) =>
        traced(
          () => ({ name: task.name, kind: 'job', attributes: { 'job.attempt': helpers.job.attempts } }),
          () => task.handle(payload, context, helpers),
        ),
    ]),
  ) satisfies TaskList;
}

function crontabLine({ name, schedule }: Task): string | undefined {
  if (!schedule) return undefined;
  const options = [schedule.fill && `fill=${schedule.fill}`, schedule.maxAttempts && `max=${schedule.maxAttempts}`];
  const given = options.filter(Boolean).join('&');
  return `${schedule.cron} ${name}${given && ` ?${given}`}`;
}
