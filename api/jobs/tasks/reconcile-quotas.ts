import { reconcileQuotas } from '../../usage/quota-reconciliation.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Counts the storage of each account again and repairs the quotas that differ. */
export const reconcileQuotasTask = defineTask({
  name: 'reconcile_quotas',
  schedule: { cron: '37 3 * * *', fill: '1d' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock, log }) {
    await reconcileQuotas(database, clock, (userId, repair) =>
      log.warn({ user_id: userId, ...repair }, 'a quota differed from the stored memories and was repaired'),
    );
  },
});
