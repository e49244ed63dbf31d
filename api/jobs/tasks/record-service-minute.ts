import { deleteOldServiceDays, recordServiceMinute } from '../../../db/queries/jobs/service-days.ts';
import { DAY_MS, MINUTE_MS } from '../../time.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Days for which the minutes of the service are kept: those that the page `/status` shows, and one more. */
const DAYS_KEPT = 91;

/** Records that the service works in this minute: its jobs run, and its database takes writes. `/status` shows the record. */
export const recordServiceMinuteTask = defineTask({
  name: 'record_service_minute',
  schedule: { cron: '* * * * *', maxAttempts: 1 },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    const now = clock.now().getTime();
    const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    await recordServiceMinute(database.owner, dayOf(now), new Date(now - (now % MINUTE_MS)));
    await deleteOldServiceDays(database.owner, dayOf(now - DAYS_KEPT * DAY_MS));
  },
});
