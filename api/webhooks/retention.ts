import type { Database } from '../../db/client/database.ts';
import { deleteOldDeliveries } from '../../db/queries/webhooks/deliveries.ts';
import { DAY_MS } from '../time.ts';

/** Days for which the deliveries of an event are kept. */
export const DELIVERY_DAYS_KEPT = 14;

/** Deliveries that one transaction deletes. */
const BATCH = 5_000;

/** Deletes the deliveries of events that are {@link DELIVERY_DAYS_KEPT} days old, in batches. */
export async function deleteExpiredDeliveries(database: Database, now: Date): Promise<void> {
  const before = new Date(now.getTime() - DELIVERY_DAYS_KEPT * DAY_MS);
  let deleted = 0;
  do {
    deleted = await database.ownerWrite((sql) => deleteOldDeliveries(sql, before, BATCH));
  } while (deleted === BATCH);
}
