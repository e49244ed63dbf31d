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
import { utcDay } from './usage.ts';

const PAGE = 500;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Percent of the plan at which an alert is given, by the percent that it speaks of. */
const THRESHOLDS: Record<AlertKind, [percent: number, from: number][]> = {
  calls: [
    [80, 80],
    [100, 100],
  ],
  // What does not fit is refused, so the very last byte is seldom used: full is where little fits.
  storage: [
    [80, 80],
    [100, 99],
  ],
};

/** Below this percent of the plan's storage its alerts are forgotten, and given again when it is crossed again. */
const STORAGE_FORGET_BELOW = 70;

type Clock = Pick<RequestContext, 'now' | 'newId'>;

interface Use {
  kind: AlertKind;
  used: number;
  limit: number;
}

/**
 * Gives the alerts that are due: at 80 % and 100 % of the day's calls and of the storage, once each a period, by mail where
 * there is an address. May run at any time, in several processes at once. Answers how many were given.
 */
export async function alertUsage(database: Database, clock: Clock): Promise<number> {
  const day = utcDay(clock.now());
  let given = 0;
  let page: AlertUsageRow[] = [];
  do {
    page = await listUsageForAlerts(database.owner, day, page.at(-1)?.id ?? BEFORE_ALL, PAGE);
    for (const user of page) given += await alertUser(database, clock, day, user);
  } while (page.length === PAGE);
  return given;
}

async function alertUser(database: Database, clock: Clock, day: string, user: AlertUsageRow): Promise<number> {
  const limits = limitsOf(user.plan, user.overrides);
  const calls: Use = { kind: 'calls', used: user.calls, limit: limits.requests_per_day };
  const storage: Use = { kind: 'storage', used: user.storage_bytes, limit: limits.storage_bytes };
  if (user.alerts.some((alert) => alert.startsWith('storage')) && !reaches(storage, STORAGE_FORGET_BELOW)) {
    await deleteStorageAlerts(database.owner, user.id);
  }
  let given = 0;
  for (const use of [calls, storage]) {
    const thresholds = THRESHOLDS[use.kind]
      .filter(([percent, from]) => reaches(use, from) && !user.alerts.includes(`${use.kind} ${percent}`))
      .map(([percent]) => percent);
    if (thresholds.length > 0) given += await alert(database, clock, day, user, use, thresholds);
  }
  return given;
}

/** Notes alerts and mails the highest one that nobody had noted, all or nothing. */
async function alert(
  database: Database,
  clock: Clock,
  day: string,
  user: AlertUsageRow,
  { kind, used, limit }: Use,
  thresholds: readonly number[],
): Promise<number> {
  return database.ownerWrite(async (sql) => {
    const at = clock.now();
    const inserted = await insertAlerts(sql, user.id, { kind, thresholds, day, at });
    if (inserted.length > 0) {
      const data = { kind, threshold: Math.max(...inserted), used, limit, plan: user.plan, day };
      await mailOwner({ ...clock, sql }, user, 'usage_alert', data);
    }
    return inserted.length;
  });
}

function reaches({ used, limit }: Use, percent: number): boolean {
  return used * 100 >= limit * percent;
}
