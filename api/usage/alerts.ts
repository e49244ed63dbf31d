import { NIL } from 'uuid';
import type { Database } from '../../db/client/database.ts';
import {
  type AlertKind,
  type AlertUsageRow,
  deleteStorageAlerts,
  insertAlerts,
  listUsageForAlerts,
} from '../../db/queries/usage/alerts.ts';
import type { RequestContext } from '../context.ts';
import { limitsOf } from '../limits/plans.ts';
import { mailOwner } from '../mail/enqueue.ts';
import { recordEvent } from '../webhooks/events.ts';
import { utcDay } from './usage.ts';

const PAGE = 500;

/** The thresholds that alerts name, each with the percentage of the limit from which it is sent. */
const THRESHOLDS: Record<AlertKind, [threshold: number, from: number][]> = {
  calls: [
    [80, 80],
    [100, 100],
  ],
  // A memory that does not fit is rejected, so usage rarely reaches exactly 100 %.
  storage: [
    [80, 80],
    [100, 99],
  ],
};

/** Below this percentage of the storage limit its alerts are deleted, so the next crossing sends them again. */
const STORAGE_RESET_BELOW = 70;

type Clock = Pick<RequestContext, 'now' | 'newId'>;

interface Consumption {
  kind: AlertKind;
  used: number;
  limit: number;
}

/**
 * Sends the usage alerts that are due: at 80 % and 100 % of the day's quota and of the storage, each once per period. Users
 * without an e-mail address get only the row. Safe to run at any time and concurrently. Returns the number of new alerts.
 */
export async function alertUsage(database: Database, clock: Clock): Promise<number> {
  const day = utcDay(clock.now());
  let sent = 0;
  let page: AlertUsageRow[] = [];
  do {
    page = await listUsageForAlerts(database.owner, day, page.at(-1)?.id ?? NIL, PAGE);
    for (const user of page) sent += await alertUser(database, clock, day, user);
  } while (page.length === PAGE);
  return sent;
}

async function alertUser(database: Database, clock: Clock, day: string, user: AlertUsageRow): Promise<number> {
  const limits = limitsOf(user.plan, user.overrides);
  const calls: Consumption = { kind: 'calls', used: user.calls, limit: limits.requests_per_day };
  const storage: Consumption = { kind: 'storage', used: user.storage_bytes, limit: limits.storage_bytes };
  if (user.alerts.some((alert) => alert.startsWith('storage')) && !reaches(storage, STORAGE_RESET_BELOW)) {
    await deleteStorageAlerts(database.owner, user.id);
  }
  let sent = 0;
  for (const consumption of [calls, storage]) {
    const thresholds = THRESHOLDS[consumption.kind]
      .filter(
        ([threshold, from]) => reaches(consumption, from) && !user.alerts.includes(`${consumption.kind} ${threshold}`),
      )
      .map(([threshold]) => threshold);
    if (thresholds.length > 0) sent += await insertAndMail(database, clock, day, user, consumption, thresholds);
  }
  return sent;
}

/** Inserts alerts and enqueues an e-mail for the highest new one, in one transaction. Returns the number of new alerts. */
async function insertAndMail(
  database: Database,
  clock: Clock,
  day: string,
  user: AlertUsageRow,
  { kind, used, limit }: Consumption,
  thresholds: readonly number[],
): Promise<number> {
  return database.ownerWrite(async (sql) => {
    const at = clock.now();
    const inserted = await insertAlerts(sql, user.id, { kind, thresholds, day, at });
    if (inserted.length > 0) {
      const percent = Math.max(...inserted);
      await recordEvent({ ...clock, sql }, user.id, 'usage.threshold', { kind, percent, used, limit, day });
      const data = { kind, threshold: percent, used, limit, plan: user.plan, day };
      await mailOwner({ ...clock, sql }, user, 'usage_alert', data);
    }
    return inserted.length;
  });
}

function reaches({ used, limit }: Consumption, percent: number): boolean {
  return used * 100 >= limit * percent;
}
