import type { JobHelpers, TaskList } from 'graphile-worker';
import type { Database } from '../../db/client/database.ts';
import { RECONCILE_JOB, WEBHOOK_JOB } from '../../db/queries/billing/webhook-inbox.ts';
import { SEND_EMAIL_JOB } from '../../db/queries/jobs/outbox.ts';
import { deleteOldIdempotencyKeys } from '../../db/queries/usage/idempotency.ts';
import { ensurePartitions } from '../../db/schema/partitions.ts';
import { PURGE_ACCOUNT_JOB } from '../accounts/lifecycle.ts';
import { purgeAccount, purgeDueAccounts } from '../accounts/purge.ts';
import { deleteExpiredSessions } from '../auth/sessions.ts';
import type { Billing } from '../billing/billing.ts';
import { deleteExpiredWebhooks, processWebhook } from '../billing/inbox.ts';
import { reconcile } from '../billing/reconcile.ts';
import { hasLapsed } from '../billing/still-gone.ts';
import { newId } from '../ids.ts';
import { deleteExpiredActivationLinks, emailActivationLinks, MAIL_CLAIMS_JOB } from '../keys/activation-links.ts';
import { deliver, forgetOldMails } from '../mail/deliver.ts';
import type { Transport } from '../mail/transport.ts';
import type { Logger as Log } from '../observability/log.ts';
import { EXPORT_JOB, forgetOldExports, writeExport } from '../transfer/export.ts';
import { alertUsage } from '../usage/alerts.ts';
import { recountQuotas } from '../usage/quota-reconciliation.ts';
import { forgetOldUsage } from '../usage/retention.ts';

export interface JobParts {
  database: Database;
  transport: Transport;
  /** Days after which usage events are dropped. */
  usageRetentionDays: number;
  /** What links in mails begin with. */
  publicUrl: () => string;
  /** What is sold at Whop, where something is. */
  billing?: Billing | undefined;
}

/** When jobs run by the clock (UTC), in crontab form. `fill` catches up on what a sleeping service missed. */
export const CRONTAB = `
7 * * * * ensure_partitions ?fill=2h&max=5
23 * * * * forget_idempotency_keys
41 * * * * forget_old_usage
*/5 * * * * alert_usage
37 3 * * * recount_quotas ?fill=1d
11 4 * * * ${RECONCILE_JOB} ?fill=1d
53 4 * * * forget_webhooks
47 * * * * end_accounts ?fill=1d&max=1
29 * * * * forget_exports
17 * * * * forget_claims_and_sessions
29 4 * * * forget_mails
`;

/** The background jobs by name. A job that throws is tried again with growing pauses; after its last try it stays as a dead letter. */
export function jobHandlers(
  { database, transport, usageRetentionDays, publicUrl, billing }: JobParts,
  log: Log,
): TaskList {
  const clock = { now: () => new Date(), newId };
  // Where nothing is sold there is nobody to ask.
  const isStillGone = async (userId: string) => billing === undefined || hasLapsed(billing, userId);
  return {
    ensure_partitions: async (_payload: unknown, { logger }: JobHelpers) => {
      const made = await database.ownerWrite((sql) => ensurePartitions(sql));
      if (made > 0) logger.info(`made ${made} partitions of usage_events`);
    },
    forget_idempotency_keys: async () => {
      await database.ownerWrite(deleteOldIdempotencyKeys);
    },
    forget_old_usage: async (_payload: unknown, { logger }: JobHelpers) => {
      const dropped = await forgetOldUsage(database, clock.now(), usageRetentionDays);
      if (dropped.length > 0) logger.info(`dropped ${dropped.join(', ')}`);
    },
    alert_usage: async () => {
      await alertUsage(database, clock);
    },
    recount_quotas: () =>
      recountQuotas(database, clock, (userId, repair) =>
        log.warn({ user_id: userId, ...repair }, 'a quota differed from a recount and was repaired'),
      ),
    [WEBHOOK_JOB]: async (payload: unknown) => {
      if (!billing) throw new Error('WHOP_API_KEY is not set here');
      await processWebhook(billing, (payload as { webhook_id: string }).webhook_id);
    },
    [RECONCILE_JOB]: async () => {
      if (billing) await reconcile(billing);
    },
    forget_webhooks: async () => {
      await database.ownerWrite((sql) => deleteExpiredWebhooks(sql, clock.now()));
    },
    forget_claims_and_sessions: async () => {
      await database.ownerWrite((sql) => deleteExpiredActivationLinks(sql, clock.now()));
      await database.ownerWrite((sql) => deleteExpiredSessions(sql, clock.now()));
    },
    forget_mails: async () => {
      await database.ownerWrite((sql) => forgetOldMails(sql, clock.now()));
    },
    [MAIL_CLAIMS_JOB]: async (payload: unknown) => {
      const { email } = payload as { email: string };
      await database.ownerWrite((sql) => emailActivationLinks({ ...clock, sql, publicUrl: publicUrl() }, email));
    },
    end_accounts: () =>
      purgeDueAccounts(database, clock, isStillGone, {
        onPurged: (userId) => log.info({ user_id: userId }, 'an account was purged'),
        onKept: (userId, error) => log.warn({ user_id: userId, err: error }, 'an account that is due was not purged'),
      }),
    [PURGE_ACCOUNT_JOB]: async (payload: unknown) => {
      const { user_id } = payload as { user_id: string };
      const outcome = await purgeAccount(database, clock, isStillGone, user_id);
      if (outcome === 'waiting') throw new Error('the last mail to its owner is still on its way');
      if (outcome === 'purged') log.info({ user_id }, 'an account was purged');
    },
    [EXPORT_JOB]: async (payload: unknown) => {
      const { user_id, export_id } = payload as { user_id: string; export_id: string };
      await writeExport(database, clock, user_id, export_id);
    },
    forget_exports: async () => {
      await database.ownerWrite((sql) => forgetOldExports(sql, clock.now()));
    },
    [SEND_EMAIL_JOB]: async (payload: unknown, { abortSignal }: JobHelpers) => {
      const { user_id, id } = payload as { user_id: string; id: string };
      await database.ownerWrite((sql) => deliver(sql, transport, publicUrl(), user_id, id, abortSignal));
    },
  };
}
