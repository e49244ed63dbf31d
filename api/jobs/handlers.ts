import type { JobHelpers, TaskList } from 'graphile-worker';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../../db/connect.ts';
import { deleteOldIdempotencyKeys } from '../../db/idempotency.ts';
import { SEND_MAIL_JOB } from '../../db/outbox.ts';
import { ensurePartitions } from '../../db/partitions.ts';
import { recountQuotas } from '../account/recount.ts';
import { forgetOldUsage } from '../account/retention.ts';
import { alertUsage } from '../account/usage-alerts.ts';
import { deliver } from '../mail/deliver.ts';
import type { Transport } from '../mail/transport.ts';
import type { Logger as Log } from '../observe/log.ts';

export interface JobParts {
  database: Database;
  transport: Transport;
  /** Days after which usage events are dropped. */
  usageRetentionDays: number;
}

/** When jobs run by the clock (UTC), in crontab form. `fill` catches up on what a sleeping service missed. */
export const CRONTAB = `
7 * * * * ensure_partitions ?fill=2h&max=5
23 * * * * forget_idempotency_keys
41 * * * * forget_old_usage
*/5 * * * * alert_usage
37 3 * * * recount_quotas ?fill=1d
`;

/** The background jobs by name. A job that throws is tried again with growing pauses; after its last try it stays as a dead letter. */
export function jobHandlers({ database, transport, usageRetentionDays }: JobParts, log: Log): TaskList {
  const clock = { now: () => new Date(), newId: () => uuidv7() };
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
    [SEND_MAIL_JOB]: async (payload: unknown, { abortSignal }: JobHelpers) => {
      const { user_id, id } = payload as { user_id: string; id: string };
      await database.ownerWrite((sql) => deliver(sql, transport, user_id, id, abortSignal));
    },
  };
}
