import { sendActivationLinksJob } from '../../../db/queries/jobs/job-types.ts';
import { emailActivationLinks } from '../../keys/activation-links.ts';
import { defineTask } from '../define-task.ts';

/** Sends an activation link to each account with an e-mail address. */
export const sendActivationLinksTask = defineTask({
  ...sendActivationLinksJob,
  async run({ email }, { database, clock, publicUrl }) {
    await database.ownerWrite((sql) => emailActivationLinks({ ...clock, sql, publicUrl: publicUrl() }, email));
  },
});
