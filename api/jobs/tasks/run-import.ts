import { runImportJob } from '../../../db/queries/jobs/job-types.ts';
import { runImport } from '../../transfer/import/run-import.ts';
import { defineTask } from '../define-task.ts';

/** Checks an upload and stores its memories, a while at a time. */
export const runImportTask = defineTask({
  ...runImportJob,
  async run({ user_id, import_id }, { database, clock }) {
    await runImport(database, clock, user_id, import_id);
  },
});
