import { deleteExpiredImports } from '../../transfer/import/run-import.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes the imports and uploads that have expired. */
export const deleteOldImportsTask = defineTask({
  name: 'delete_old_imports',
  schedule: { cron: '47 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await database.ownerWrite((sql) => deleteExpiredImports(sql, clock.now()));
  },
});
