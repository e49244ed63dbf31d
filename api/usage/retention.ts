import type { Database } from '../../db/client/database.ts';
import { deleteStrayEvents, dropOldPartition } from '../../db/schema/partitions.ts';
import { DAY_MS } from '../time.ts';
import { utcDay } from './usage.ts';

/**
 * Drops the usage events of days that ended more than `days` ago, one partition per transaction, and keeps the daily totals. A
 * partition that is in use is left to the next run. Returns the names of the dropped partitions.
 */
export async function dropOldUsageEvents(database: Database, now: Date, days: number): Promise<string[]> {
  const before = utcDay(new Date(now.getTime() - days * DAY_MS));
  const dropped: string[] = [];
  for (;;) {
    const name = await database.ownerWrite((sql) => dropOldPartition(sql, before));
    if (name === null) break;
    dropped.push(name);
  }
  await database.ownerWrite((sql) => deleteStrayEvents(sql, before));
  return dropped;
}
