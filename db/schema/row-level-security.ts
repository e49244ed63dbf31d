import { NIL } from 'uuid';
import { APP_ROLE, type Database } from '../client/database.ts';

/** Verifies at start-up that row-level security applies to the tenants' connections. Throws with instructions when it does not. */
export async function assertRowLevelSecurity(database: Database): Promise<void> {
  const { rows } = await database.shared(NIL).query<{ active: boolean; role: string }>({
    text: "select row_security_active('memories') as active, current_user as role",
  });
  const [row] = rows;
  if (row?.active && row.role === APP_ROLE) return;
  throw new Error(
    `Row-level security does not apply to the role "${row?.role}": it is a superuser or has BYPASSRLS. ` +
      `Let the migrations create ${APP_ROLE} and give DATABASE_URL a login that may "set role ${APP_ROLE}".`,
  );
}
