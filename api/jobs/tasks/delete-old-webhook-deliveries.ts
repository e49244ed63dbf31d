import { deleteExpiredDeliveries } from '../../webhooks/retention.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes the deliveries of webhooks whose events are old. */
export const deleteOldWebhookDeliveriesTask = defineTask({
  name: 'delete_old_webhook_deliveries',
  schedule: { cron: '43 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await deleteExpiredDeliveries(database, clock.now());
  },
});
