import { sendSignInLinksJob } from '../../../db/queries/jobs/job-types.ts';
import { emailSignInLinks } from '../../auth/sign-in-links.ts';
import { renderEmail } from '../../mail/templates.ts';
import { EmailRejectedError } from '../../mail/transport.ts';
import { defineTask } from '../define-task.ts';

/** Sends a sign-in link to each account with an e-mail address, or to an address that may sign up. */
export const sendSignInLinksTask = defineTask({
  ...sendSignInLinksJob,
  async run(request, { database, clock, publicUrl, transport }, { abortSignal }) {
    const data = await database.ownerWrite((sql) =>
      emailSignInLinks({ ...clock, sql, publicUrl: publicUrl() }, request),
    );
    if (!data) return;
    const email = renderEmail('sign_in_link', data, publicUrl());
    try {
      await transport.send({ id: clock.newId(), to: request.email, date: clock.now(), ...email }, abortSignal);
    } catch (error) {
      // A mailbox that does not exist: a retry would not help.
      if (!(error instanceof EmailRejectedError)) throw error;
    }
  },
});
