import { exactlyOne, type Sql } from '../../client/sql.ts';
import type { PlanName } from '../accounts/users.ts';

/** The last known state of a membership at Whop. */
export interface MembershipRow {
  id: string;
  /** Whop's status, which may be one that this service does not know. */
  status: string;
  plan_id: string | null;
  product_id: string | null;
  /** The plan of this service that it grants. */
  tier: PlanName;
  period_end: Date | null;
  /** Whether it ever granted its tier. One that never did cannot lapse. */
  gave_access: boolean;
  cancel_at_period_end: boolean;
  manage_url: string | null;
  /** SHA-256 of the license key. */
  license_hash: Buffer | null;
  /** When it last changed at Whop, by Whop's clock. */
  changed_at: Date | null;
  /** When it was requested from Whop, by the database's clock. */
  read_at: Date;
  /** False for the state in a webhook that was applied while Whop was unavailable. */
  confirmed: boolean;
}

const COLUMNS = `id, status, plan_id, product_id, tier, period_end, gave_access, cancel_at_period_end, manage_url, license_hash,
  changed_at, read_at, confirmed`;

/**
 * Returns the time of a request to Whop, read before it is sent: of two responses that overtake each other, the one to the later request
 * is kept. Uses the database's clock, which all nodes share.
 */
export async function findReadTime(sql: Sql): Promise<Date> {
  return exactlyOne(
    await sql.query<{ at: Date }>({ text: `select date_trunc('milliseconds', clock_timestamp()) as at` }),
  ).at;
}

/**
 * Stores a membership unless the stored state is newer, and returns whether it was stored. Confirmed states are compared by the time of
 * the request to Whop, unconfirmed ones by the time of the change at Whop. Runs as the database owner.
 */
export async function upsertMembership(sql: Sql, userId: string, row: MembershipRow): Promise<boolean> {
  const result = await sql.query({
    text: `insert into memberships as m (user_id, ${COLUMNS})
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, case when $14 then $13 else to_timestamp(0) end, $14)
      on conflict (user_id, id) do update
      set status = excluded.status, plan_id = excluded.plan_id,
        product_id = excluded.product_id, tier = excluded.tier, period_end = excluded.period_end,
        gave_access = m.gave_access or excluded.gave_access,
        cancel_at_period_end = excluded.cancel_at_period_end, manage_url = excluded.manage_url,
        license_hash = excluded.license_hash, changed_at = excluded.changed_at,
        read_at = greatest(m.read_at, excluded.read_at), confirmed = excluded.confirmed
      where case when excluded.confirmed then m.read_at <= excluded.read_at else m.changed_at < excluded.changed_at end`,
    values: [
      userId,
      row.id,
      row.status,
      row.plan_id,
      row.product_id,
      row.tier,
      row.period_end,
      row.gave_access,
      row.cancel_at_period_end,
      row.manage_url,
      row.license_hash,
      row.changed_at,
      row.read_at,
      row.confirmed,
    ],
  });
  return result.rowCount === 1;
}

/** Lists the memberships of a user. */
export async function listMemberships(sql: Sql, userId: string): Promise<MembershipRow[]> {
  const result = await sql.query<MembershipRow>({
    text: `select ${COLUMNS} from memberships where user_id = $1 order by id`,
    values: [userId],
  });
  return result.rows;
}

/** Returns a membership of the tenant by its id or the hash of its license key. */
export async function findMembership(
  sql: Sql,
  userId: string,
  by: { id: string; licenseHash: Buffer },
): Promise<MembershipRow | undefined> {
  const result = await sql.query<MembershipRow>({
    name: 'find_membership',
    text: `select ${COLUMNS} from memberships where user_id = $1 and (id = $2 or license_hash = $3)`,
    values: [userId, by.id, by.licenseHash],
  });
  return result.rows[0];
}

/** Returns Whop's id of the user with a membership; undefined when it is unknown here. Runs as the database owner. */
export async function findMembershipCustomer(sql: Sql, id: string): Promise<string | undefined> {
  const result = await sql.query<{ whop_user_id: string }>({
    text: `select whop_user_id
      from memberships m
      join users u on u.id = m.user_id
      where m.id = $1`,
    values: [id],
  });
  return result.rows[0]?.whop_user_id;
}

/** Deletes a membership that was transferred to another user. Runs as the database owner. */
export async function deleteMembership(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from memberships where user_id = $1 and id = $2', values: [userId, id] });
}

/** Lists the memberships of all users. Runs as the database owner. */
export async function listAllMemberships(sql: Sql): Promise<MembershipRow[]> {
  return (await sql.query<MembershipRow>({ text: `select ${COLUMNS} from memberships` })).rows;
}

const membershipHashSql = (id: string) => `sha256(convert_to(${id}, 'UTF8'))`;

/** Stores the hashes of a user's memberships, before the user is deleted on request. Runs as the database owner. */
export async function closeMemberships(sql: Sql, userId: string, now: Date): Promise<void> {
  await sql.query({
    text: `insert into closed_memberships (membership_hash, closed_at)
      select ${membershipHashSql('id')}, $2
      from memberships
      where user_id = $1
      on conflict do nothing`,
    values: [userId, now],
  });
}

/** Returns whether a membership belonged to a user who was deleted on request. Runs as the database owner. */
export async function isMembershipClosed(sql: Sql, id: string): Promise<boolean> {
  const result = await sql.query({
    text: `select from closed_memberships where membership_hash = ${membershipHashSql('$1')}`,
    values: [id],
  });
  return result.rows.length > 0;
}

/** Deletes the hash of a closed membership whose owner came back. Runs as the database owner. */
export async function reopenMembership(sql: Sql, id: string): Promise<void> {
  await sql.query({
    text: `delete from closed_memberships where membership_hash = ${membershipHashSql('$1')}`,
    values: [id],
  });
}
