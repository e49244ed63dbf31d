import pg from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;

/** Facts of a database and of the login by which it is reached. */
export interface DatabaseFacts {
  /** Whether the login owns the tables. False where there are none yet. */
  isOwner: boolean;
  isSuperuser: boolean;
  /** Milliseconds by which the clock of the database is ahead of this machine's. */
  clockSkewMs: number;
}

/** Reads the facts of a database. Changes nothing. */
export async function readDatabaseFacts(url: string): Promise<DatabaseFacts> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'whitemagic-check',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const before = Date.now();
    const { rows } = await client.query<{ now: Date; is_superuser: boolean; is_owner: boolean }>(
      `select clock_timestamp() as now,
          r.rolsuper as is_superuser,
          exists (
            select from pg_class c
            where c.oid = to_regclass('public.users')
              and c.relowner = r.oid
          ) as is_owner
        from pg_roles r
        where r.rolname = session_user`,
    );
    const after = Date.now();
    const [row] = rows;
    if (!row) throw new Error('the login has no role');
    // Only what the round trip cannot explain.
    const now = row.now.getTime();
    const clockSkewMs = now > after ? now - after : now < before ? now - before : 0;
    return { isOwner: row.is_owner, isSuperuser: row.is_superuser, clockSkewMs };
  } finally {
    await client.end().catch(() => undefined);
  }
}
