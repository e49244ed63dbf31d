import { purgeDueAccounts } from '../../accounts/purge.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';
import { isStillWithoutPlan } from '../entitlement.ts';

/** Warns the owners of accounts that will be purged soon, and purges those that are due. */
export const purgeDueAccountsTask = defineTask({
  name: 'purge_due_accounts',
  schedule: { cron: '47 * * * *', fill: '1d', maxAttempts: 1 },
  payload: NO_PAYLOAD,
  async run(_payload, context) {
    const { database, clock, log } = context;
    await purgeDueAccounts(database, clock, (userId) => isStillWithoutPlan(context, userId), {
      onPurged: (userId) => log.info({ user_id: userId }, 'an account was purged'),
      onKept: (userId, error) => log.warn({ user_id: userId, err: error }, 'an account that is due was not purged'),
    });
  },
});
