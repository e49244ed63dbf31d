import { deleteExpiredEmails } from '../../mail/deliver.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes e-mails from the outbox some time after they were sent or rejected. */
export const deleteOldEmailsTask = defineTask({
  name: 'delete_old_emails',
  schedule: { cron: '29 4 * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await database.ownerWrite((sql) => deleteExpiredEmails(sql, clock.now()));
  },
});
