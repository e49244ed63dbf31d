import { ensurePartitions } from '../../../db/schema/partitions.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Creates the partitions of `usage_events` for the days ahead. */
export const ensurePartitionsTask = defineTask({
  name: 'ensure_partitions',
  schedule: { cron: '7 * * * *', fill: '2h', maxAttempts: 5 },
  payload: NO_PAYLOAD,
  async run(_payload, { database }, { logger }) {
    const created = await database.ownerWrite((sql) => ensurePartitions(sql));
    if (created > 0) logger.info(`created ${created} partitions of usage_events`);
  },
});
