import { deleteOldIdempotencyKeys } from '../../../db/queries/usage/idempotency.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes the idempotency keys that have expired. */
export const deleteOldIdempotencyKeysTask = defineTask({
  name: 'delete_old_idempotency_keys',
  schedule: { cron: '23 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database }) {
    await database.ownerWrite(deleteOldIdempotencyKeys);
  },
});
