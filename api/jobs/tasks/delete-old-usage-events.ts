import { dropOldUsageEvents } from '../../usage/retention.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Drops the usage events that are older than the retention period; the daily totals stay. */
export const deleteOldUsageEventsTask = defineTask({
  name: 'delete_old_usage_events',
  schedule: { cron: '41 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock, usageRetentionDays }, { logger }) {
    const dropped = await dropOldUsageEvents(database, clock.now(), usageRetentionDays);
    if (dropped.length > 0) logger.info(`dropped ${dropped.join(', ')}`);
  },
});
