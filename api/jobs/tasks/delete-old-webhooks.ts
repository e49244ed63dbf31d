import { deleteExpiredWebhooks } from '../../billing/inbox.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes received webhooks after their retention period. */
export const deleteOldWebhooksTask = defineTask({
  name: 'delete_old_webhooks',
  schedule: { cron: '53 4 * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await database.ownerWrite((sql) => deleteExpiredWebhooks(sql, clock.now()));
  },
});
