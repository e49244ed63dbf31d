import * as z from 'zod';

/**
 * A job that domains enqueue: its name in the queue and the schema of its payload. Declared below the domains, so that the enqueuing
 * code and the task in `api/jobs/tasks` that runs it check the same payload.
 */
export interface JobType<Payload extends object = object> {
  name: string;
  payload: z.ZodType<Payload>;
}

function jobType<Payload extends object>(name: string, payload: z.ZodType<Payload>): JobType<Payload> {
  return { name, payload };
}

const NO_PAYLOAD = z.strictObject({});

/** Sends an e-mail of the outbox. Enqueued by the SQL function `enqueue_mail`, which fixes its name and payload. */
export const sendEmailJob = jobType('send_mail', z.strictObject({ user_id: z.guid(), id: z.guid() }));

/** Sends activation links to the accounts with an e-mail address. */
export const sendActivationLinksJob = jobType('send_activation_links', z.strictObject({ email: z.string() }));

/** Sends sign-in links to the accounts with an e-mail address, or one that creates an account to an address without. */
export const sendSignInLinksJob = jobType(
  'send_sign_in_links',
  z.strictObject({ email: z.string(), next: z.string(), sign_up: z.boolean() }),
);

/** Processes a received webhook. */
export const processWebhookJob = jobType('process_webhook', z.strictObject({ webhook_id: z.string() }));

/** Compares all memberships with Whop's. */
export const reconcileMembershipsJob = jobType('reconcile_memberships', NO_PAYLOAD);

/** Writes the file of an export. */
export const exportAccountJob = jobType('export_account', z.strictObject({ user_id: z.guid(), export_id: z.guid() }));

/** Purges an account that is marked as deleted. */
export const purgeAccountJob = jobType('purge_account', z.strictObject({ user_id: z.guid() }));

/** Checks an upload and stores its memories. */
export const runImportJob = jobType('run_import', z.strictObject({ user_id: z.guid(), import_id: z.guid() }));
