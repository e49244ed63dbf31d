import { alertUsage } from '../../usage/alerts.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Alerts the owners of accounts that are near a limit of their plan. */
export const sendUsageAlertsTask = defineTask({
  name: 'send_usage_alerts',
  schedule: { cron: '*/5 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await alertUsage(database, clock);
  },
});
