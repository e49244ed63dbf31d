import { sendEmailJob } from '../../../db/queries/jobs/job-types.ts';
import { deliver } from '../../mail/deliver.ts';
import { defineTask } from '../define-task.ts';

/** Sends an e-mail of the outbox. */
export const sendEmailTask = defineTask({
  ...sendEmailJob,
  async run({ user_id, id }, { database, transport, publicUrl }, { abortSignal }) {
    await database.ownerWrite((sql) => deliver(sql, transport, publicUrl(), user_id, id, abortSignal));
  },
});
