import type { Sql } from '../../client/sql.ts';
import type { LimitOverrides, PlanName } from '../accounts/users.ts';

export type AlertKind = 'calls' | 'storage';

/** A user's consumption, and the alerts sent for it, such as `calls 80` and `storage 100`. */
export interface AlertUsageRow {
  id: string;
  email: string | null;
  plan: PlanName;
  overrides: LimitOverrides;
  /** Quota units of the day. */
  calls: number;
  storage_bytes: number;
  alerts: string[];
}

/** Period of storage alerts: it lasts until they are deleted. The period of alerts for calls is a UTC day. */
const STORAGE_PERIOD = 'open';

/** Lists the consumption of users on a day, in id order, from the one after `after`. Runs as admin. */
export async function listUsageForAlerts(
  sql: Sql,
  day: string,
  after: string,
  limit: number,
): Promise<AlertUsageRow[]> {
  const result = await sql.query<AlertUsageRow>({
    text: `select
        u.id,
        u.email,
        u.plan,
        u.overrides,
        coalesce(q.storage_bytes, 0)::float8 as storage_bytes,
        (
          select coalesce(sum(d.units), 0)::float8
          from usage_daily d
          where d.user_id = u.id and d.day = $1
        ) as calls,
        array(
          select a.kind || ' ' || a.threshold
          from usage_alerts a
          where a.user_id = u.id and a.period in ($1::text, $2)
        ) as alerts
      from users u
      left join quotas q on q.user_id = u.id
      where u.id > $3 and u.status in ('active', 'read_only')
      order by u.id
      limit $4`,
    values: [day, STORAGE_PERIOD, after, limit],
  });
  return result.rows;
}

/** Inserts alerts of a user and returns the thresholds that are new in their period. Runs as admin. */
export async function insertAlerts(
  sql: Sql,
  userId: string,
  alert: { kind: AlertKind; thresholds: readonly number[]; day: string; at: Date },
): Promise<number[]> {
  const period = alert.kind === 'storage' ? STORAGE_PERIOD : alert.day;
  const result = await sql.query<{ threshold: number }>({
    text: `insert into usage_alerts (user_id, kind, threshold, period, at)
      select $1, $2, threshold, $4, $5
      from unnest($3::smallint[]) as threshold
      order by threshold
      on conflict do nothing
      returning threshold`,
    values: [userId, alert.kind, alert.thresholds, period, alert.at],
  });
  return result.rows.map(({ threshold }) => threshold);
}

/** Deletes a user's storage alerts, so the next crossing of a threshold sends one again. Runs as admin. */
export async function deleteStorageAlerts(sql: Sql, userId: string): Promise<void> {
  await sql.query({ text: "delete from usage_alerts where user_id = $1 and kind = 'storage'", values: [userId] });
}
