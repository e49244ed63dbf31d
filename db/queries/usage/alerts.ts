import type { Sql } from '../../client/sql.ts';
import type { LimitOverrides, PlanName } from '../accounts/users.ts';

export type AlertKind = 'calls' | 'storage';

/** What a user has used, and which alerts were given of it: `calls 80`, `storage 100`. */
export interface AlertUsageRow {
  id: string;
  email: string | null;
  plan: PlanName;
  overrides: LimitOverrides;
  /** Of the day, as the plan's allowance counts them. */
  calls: number;
  storage_bytes: number;
  alerts: string[];
}

/** The period of alerts of storage: it lasts until they are deleted. Those of calls are of a UTC day. */
const STORAGE_PERIOD = 'open';

/** What users have used on a day, in the order of their ids, those after `after`. As the owner. */
export async function listUsageForAlerts(
  sql: Sql,
  day: string,
  after: string,
  limit: number,
): Promise<AlertUsageRow[]> {
  const result = await sql.query<AlertUsageRow>({
    text: `select u.id, u.email, u.plan, u.overrides, coalesce(q.storage_bytes, 0)::float8 as storage_bytes,
        (select coalesce(sum(d.units), 0)::float8 from usage_daily d where d.user_id = u.id and d.day = $1) as calls,
        array(select a.kind || ' ' || a.threshold from usage_alerts a where a.user_id = u.id and a.period in ($1::text, $2)) as alerts
      from users u left join quotas q on q.user_id = u.id
      where u.id > $3 and u.status in ('active', 'read_only') order by u.id limit $4`,
    values: [day, STORAGE_PERIOD, after, limit],
  });
  return result.rows;
}

/** Notes alerts of a user; of calls, for the day. Answers the thresholds that nobody had noted before. As the owner. */
export async function insertAlerts(
  sql: Sql,
  userId: string,
  alert: { kind: AlertKind; thresholds: readonly number[]; day: string; at: Date },
): Promise<number[]> {
  const period = alert.kind === 'storage' ? STORAGE_PERIOD : alert.day;
  const result = await sql.query<{ threshold: number }>({
    text: `insert into usage_alerts (user_id, kind, threshold, period, at)
      select $1, $2, threshold, $4, $5 from unnest($3::smallint[]) as threshold order by threshold
      on conflict do nothing returning threshold`,
    values: [userId, alert.kind, alert.thresholds, period, alert.at],
  });
  return result.rows.map(({ threshold }) => threshold);
}

/** Forgets the alerts of a user's storage, so that the next crossing gives one again. As the owner. */
export async function deleteStorageAlerts(sql: Sql, userId: string): Promise<void> {
  await sql.query({ text: "delete from usage_alerts where user_id = $1 and kind = 'storage'", values: [userId] });
}
