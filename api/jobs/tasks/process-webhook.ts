import { processWebhookJob } from '../../../db/queries/jobs/job-types.ts';
import { processWebhook } from '../../billing/inbox.ts';
import { defineTask } from '../define-task.ts';

/** Processes a webhook of the inbox. */
export const processWebhookTask = defineTask({
  ...processWebhookJob,
  async run({ webhook_id }, { billing }) {
    if (!billing) throw new Error('WHOP_API_KEY is not set, so webhooks cannot be processed');
    await processWebhook(billing, webhook_id);
  },
});
