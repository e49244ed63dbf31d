import type { Sql } from '../../client/sql.ts';

/*
 * Logins of programs without a browser. All statements run as the database owner.
 */

/** A stored login. Its secret is not stored. */
export interface DeviceLoginRow {
  user_code: string;
  name: string;
  created_at: Date;
  expires_at: Date;
  /** The account that decided; null while it is pending. */
  user_id: string | null;
  status: 'pending' | 'approved' | 'denied';
}

const COLUMNS = 'user_code, name, created_at, expires_at, user_id, status';

/** Stores a pending login with the SHA-256 of its secret. Returns false if its code is taken. */
export async function insertDeviceLogin(
  sql: Sql,
  { user_code, name, created_at, expires_at }: Pick<DeviceLoginRow, 'user_code' | 'name' | 'created_at' | 'expires_at'>,
  deviceHash: Buffer,
): Promise<boolean> {
  const result = await sql.query({
    text: `insert into device_logins (device_hash, user_code, name, created_at, expires_at, status)
      values ($1, $2, $3, $4, $5, 'pending')
      on conflict (user_code) do nothing`,
    values: [deviceHash, user_code, name, created_at, expires_at],
  });
  return result.rowCount === 1;
}

/** Returns the login of a secret, locked until the transaction ends. */
export async function lockDeviceLogin(sql: Sql, deviceHash: Buffer): Promise<DeviceLoginRow | undefined> {
  const result = await sql.query<DeviceLoginRow>({
    text: `select ${COLUMNS}
      from device_logins
      where device_hash = $1
      for update`,
    values: [deviceHash],
  });
  return result.rows[0];
}

/** Returns the login of a code. */
export async function findDeviceLogin(sql: Sql, userCode: string): Promise<DeviceLoginRow | undefined> {
  const result = await sql.query<DeviceLoginRow>({
    text: `select ${COLUMNS}
      from device_logins
      where user_code = $1`,
    values: [userCode],
  });
  return result.rows[0];
}

/** Records the decision of an account on a login that is pending and has not expired. Returns undefined where there is none. */
export async function decideDeviceLogin(
  sql: Sql,
  decision: { user_code: string; user_id: string; status: 'approved' | 'denied' },
  now: Date,
): Promise<DeviceLoginRow | undefined> {
  const result = await sql.query<DeviceLoginRow>({
    text: `update device_logins
      set user_id = $2, status = $3
      where user_code = $1
        and status = 'pending'
        and expires_at > $4
      returning ${COLUMNS}`,
    values: [decision.user_code, decision.user_id, decision.status, now],
  });
  return result.rows[0];
}

/** Deletes the login of a secret. */
export async function deleteDeviceLogin(sql: Sql, deviceHash: Buffer): Promise<void> {
  await sql.query({ text: 'delete from device_logins where device_hash = $1', values: [deviceHash] });
}

/** Deletes the logins that expired before a time and returns their number. */
export async function deleteOldDeviceLogins(sql: Sql, expiredBefore: Date): Promise<number> {
  const result = await sql.query({ text: 'delete from device_logins where expires_at < $1', values: [expiredBefore] });
  return result.rowCount ?? 0;
}
