import { NIL } from 'uuid';
import type { Database } from '../client/database.ts';
import type { Sql } from '../client/sql.ts';
import { APP_ROLE, BOUND_ROLE } from '../client/tenant.ts';

/** Verifies at start-up that row-level security applies to the tenants' connections. Throws with instructions when it does not. */
export async function assertRowLevelSecurity(database: Database): Promise<void> {
  await assertRole(database.shared(NIL), APP_ROLE);
  await assertRole(database.shared({ userId: NIL, projects: ['none'] }), BOUND_ROLE);
}

async function assertRole(sql: Sql, expected: string): Promise<void> {
  const { rows } = await sql.query<{ active: boolean; role: string }>({
    text: "select row_security_active('memories') as active, current_user as role",
  });
  const [row] = rows;
  if (row?.active && row.role === expected) return;
  throw new Error(
    `Row-level security does not apply to the role "${row?.role}": it is a superuser or has BYPASSRLS. ` +
      `Let the migrations create ${APP_ROLE} and ${BOUND_ROLE}, and give DATABASE_URL a login that may "set role" to both.`,
  );
}
