import { reconcileMembershipsJob } from '../../../db/queries/jobs/job-types.ts';
import { reconcile } from '../../billing/reconcile.ts';
import { defineTask } from '../define-task.ts';

/** Compares all memberships with Whop's and repairs the differences, such as those left by lost webhooks. */
export const reconcileMembershipsTask = defineTask({
  ...reconcileMembershipsJob,
  schedule: { cron: '11 4 * * *', fill: '1d' },
  async run(_payload, { billing }) {
    if (billing) await reconcile(billing);
  },
});
