import type { Sql } from '../../client/sql.ts';
import type { PlanName, UserRow } from '../accounts/users.ts';

/** A user with a purchase at Whop, identified by Whop's user id: unlike an e-mail address it is unique and never changes. */
export interface CustomerRow extends UserRow {
  whop_user_id: string;
  /** When the welcome e-mail was enqueued. */
  welcomed_at: Date | null;
}

const COLUMNS = 'id, email, plan, status, overrides, created_at, whop_user_id, welcomed_at';

/** Returns a customer by Whop's user id and locks the row until the transaction ends. Runs as the database owner. */
export async function lockCustomer(sql: Sql, whopUserId: string): Promise<CustomerRow | undefined> {
  const result = await sql.query<CustomerRow>({
    text: `select ${COLUMNS} from users where whop_user_id = $1 for update`,
    values: [whopUserId],
  });
  return result.rows[0];
}

/** Returns a customer by the account's id; undefined for a user without a purchase. Runs as the database owner. */
export async function findCustomer(sql: Sql, id: string): Promise<CustomerRow | undefined> {
  const result = await sql.query<CustomerRow>({
    text: `select ${COLUMNS} from users where id = $1 and whop_user_id is not null`,
    values: [id],
  });
  return result.rows[0];
}

/** Inserts a customer and locks the row; returns false when one with this Whop user id exists. Runs as the database owner. */
export async function insertCustomer(
  sql: Sql,
  customer: { id: string; whop_user_id: string; email: string | null; plan: PlanName; created_at: Date },
): Promise<boolean> {
  const result = await sql.query({
    text: `insert into users (id, whop_user_id, email, plan, status, overrides, created_at, updated_at)
      values ($1, $2, $3, $4, 'active', '{}', $5, $5)
      on conflict (whop_user_id) do nothing`,
    values: [customer.id, customer.whop_user_id, customer.email, customer.plan, customer.created_at],
  });
  return result.rowCount === 1;
}

/** Sets a customer's e-mail address. Runs as the database owner. */
export async function updateCustomerEmail(sql: Sql, id: string, email: string, now: Date): Promise<void> {
  await sql.query({ text: 'update users set email = $2, updated_at = $3 where id = $1', values: [id, email, now] });
}

/** Records that the welcome e-mail was enqueued. Runs as the database owner. */
export async function updateWelcomed(sql: Sql, id: string, now: Date): Promise<void> {
  await sql.query({ text: 'update users set welcomed_at = $2 where id = $1', values: [id, now] });
}

/** Lists Whop's ids of all users with a membership. Runs as the database owner. */
export async function listCustomers(sql: Sql): Promise<string[]> {
  const result = await sql.query<{ whop_user_id: string }>({
    text: `select whop_user_id
      from users u
      where whop_user_id is not null
        and exists (select from memberships m where m.user_id = u.id)
      order by id`,
  });
  return result.rows.map((row) => row.whop_user_id);
}
