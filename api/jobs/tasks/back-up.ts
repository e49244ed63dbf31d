import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/**
 * Makes a backup once a day, and stores the deletion receipts beside it every hour. A failed backup is tried again after an hour, and
 * shows in the age of the newest one.
 */
export const backUpTask = defineTask({
  name: 'back_up',
  schedule: { cron: '17 * * * *', maxAttempts: 1, fill: '1h' },
  payload: NO_PAYLOAD,
  async run(_payload, { backups, log }) {
    const made = await backups?.backUpIfDue();
    if (!made) return;
    const { name, bytes, manifest, deleted } = made;
    log.info({ archive: name, bytes, rows: manifest.row_count, deleted: deleted.length }, 'a backup was made');
  },
});
