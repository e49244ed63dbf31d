import { exportAccountJob } from '../../../db/queries/jobs/job-types.ts';
import { writeExport } from '../../transfer/export.ts';
import { defineTask } from '../define-task.ts';

/** Writes the file of an export. */
export const exportAccountTask = defineTask({
  ...exportAccountJob,
  async run({ user_id, export_id }, { database, clock }) {
    await writeExport(database, clock, user_id, export_id);
  },
});
