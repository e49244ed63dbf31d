import type { JobHelpers, TaskList } from 'graphile-worker';
import type { Database } from '../../db/connect.ts';
import { deleteOldIdempotencyKeys } from '../../db/idempotency.ts';
import { SEND_MAIL_JOB } from '../../db/outbox.ts';
import { ensurePartitions } from '../../db/partitions.ts';
import { deliver } from '../mail/deliver.ts';
import type { Transport } from '../mail/transport.ts';

export interface JobParts {
  database: Database;
  transport: Transport;
}

/** When jobs run by the clock (UTC), in crontab form. `fill` catches up on what a sleeping service missed. */
export const CRONTAB = `
7 * * * * ensure_partitions ?fill=2h&max=5
23 * * * * forget_idempotency_keys
`;

/** The background jobs by name. A job that throws is tried again with growing pauses; after its last try it stays as a dead letter. */
export function jobHandlers({ database, transport }: JobParts): TaskList {
  return {
    ensure_partitions: async (_payload: unknown, { logger }: JobHelpers) => {
      const made = await database.ownerWrite((sql) => ensurePartitions(sql));
      if (made > 0) logger.info(`made ${made} partitions of usage_events`);
    },
    forget_idempotency_keys: async () => {
      await database.ownerWrite(deleteOldIdempotencyKeys);
    },
    [SEND_MAIL_JOB]: async (payload: unknown, { abortSignal }: JobHelpers) => {
      const { user_id, id } = payload as { user_id: string; id: string };
      await database.ownerWrite((sql) => deliver(sql, transport, user_id, id, abortSignal));
    },
  };
}
