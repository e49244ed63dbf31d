import { deleteExpiredExports } from '../../transfer/export.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes the exports that have expired. */
export const deleteOldExportsTask = defineTask({
  name: 'delete_old_exports',
  schedule: { cron: '29 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await database.ownerWrite((sql) => deleteExpiredExports(sql, clock.now()));
  },
});
