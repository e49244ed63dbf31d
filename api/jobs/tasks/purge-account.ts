import { purgeAccountJob } from '../../../db/queries/jobs/job-types.ts';
import { purgeAccount } from '../../accounts/purge.ts';
import { defineTask } from '../define-task.ts';
import { isStillWithoutPlan } from '../entitlement.ts';

/** Purges one account that its owner deleted at once, as soon as its last e-mail is sent. */
export const purgeAccountTask = defineTask({
  ...purgeAccountJob,
  async run({ user_id }, context) {
    const { database, clock, log } = context;
    const outcome = await purgeAccount(database, clock, (userId) => isStillWithoutPlan(context, userId), user_id);
    if (outcome === 'waiting') throw new Error('the last e-mail to the owner of the account is not sent yet');
    if (outcome === 'purged') log.info({ user_id }, 'an account was purged');
  },
});
