import type { JobHelpers, TaskList } from 'graphile-worker';
import type { Database } from '../../db/connect.ts';
import { deleteOldIdempotencyKeys } from '../../db/idempotency.ts';
import { lockUnsentMail, SEND_MAIL_JOB, settleMail } from '../../db/outbox.ts';
import { ensurePartitions } from '../../db/partitions.ts';
import type { Sql } from '../../db/sql.ts';
import { renderLetter } from '../mail/templates.ts';
import { MailRefused, type Transport } from '../mail/transport.ts';

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
    [SEND_MAIL_JOB]: async (payload: unknown) => {
      const { user_id, id } = payload as { user_id: string; id: string };
      await database.ownerWrite((sql) => sendMail(sql, transport, user_id, id));
    },
  };
}

/** Sends a mail unless it is done with. The row stays locked meanwhile, so no second worker sends it too. */
async function sendMail(sql: Sql, transport: Transport, userId: string, id: string): Promise<void> {
  const mail = await lockUnsentMail(sql, userId, id);
  if (!mail) return;
  try {
    await transport.send({ id, to: mail.recipient, date: mail.created_at, ...renderLetter(mail.template, mail.data) });
    await settleMail(sql, mail);
  } catch (error) {
    if (!(error instanceof MailRefused)) throw error;
    await settleMail(sql, mail, error.message);
  }
}
