import pg from 'pg';
import { insertUsageEventsStatement, type UsageEvent } from '../queries/usage/events.ts';
import { executeBatch } from './batch.ts';
import { coalesce } from './coalesce-writes.ts';
import { retryTransient } from './retry.ts';
import { shareConnections } from './shared-connections.ts';
import type { Sql, Statement } from './sql.ts';
import { type EventOf, transaction, withClient } from './transaction.ts';

/**
 * The ways into PostgreSQL. `owner` owns the tables: migrations, jobs, admin, the metering flush and authentication.
 * Everything done for a tenant goes through `point`, `read` or `write`, as the role `wm_app`, which owns nothing and
 * cannot bypass row-level security, with the tenant set for that transaction only.
 */
export interface Database {
  owner: pg.Pool;
  /** Short statements for a tenant, on connections shared by all callers (`facts`: four shared ones carry twice the reads of a pool of ten). */
  shared(userId: string): Sql;
  /**
   * Statements that only read for a tenant and may be slow. Each is on a connection of its own for as long as it runs: those that are
   * asked at once run at once, and what the caller does between two holds none up.
   */
  read(userId: string): Sql;
  /** One short statement that belongs to no tenant yet (authentication), on a shared connection of the owner. */
  lookup<Row>(statement: Statement): Promise<Row[]>;
  /**
   * A transaction for a tenant: commits when `work` resolves, rolls back when it throws. Deadlocks are tried again.
   * @param event of the work; it goes out together with the commit
   */
  write<T>(userId: string, work: (sql: Sql) => Promise<T>, event?: EventOf<T>): Promise<T>;
  /** A transaction that holds the tenant's memories: what else wants to write them waits. */
  memoryWrite<T>(userId: string, work: (sql: Sql) => Promise<T>, event: EventOf<T>): Promise<T>;
  /** Statements for a tenant that all see the moment of the first one, whatever is written meanwhile. They only read. */
  snapshot<T>(userId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Records usage events of calls that write nothing else, in a transaction of their own; all or none. */
  record(events: readonly UsageEvent[]): Promise<void>;
  /** A transaction as the owner, for work that spans tenants, or that a tenant's role may not do. */
  ownerWrite<T>(work: (sql: Sql) => Promise<T>, event?: EventOf<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** URL of the role that owns the tables, or may `set role wm_app`. */
  url: string;
  /** URL of a login that owns the tables, when `url` is the application's own login. */
  ownerUrl?: string;
  /** Connections of the tenant pool. */
  poolSize?: number;
  onError: (error: Error) => void;
}

/** The role that every tenant statement runs as. Migrations create it. */
export const APP_ROLE = 'wm_app';

const STATEMENT_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;

const SNAPSHOT = { name: 'begin_snapshot', text: 'begin isolation level repeatable read read only' };
/** Sets the tenant of the transaction it is in. */
export const setTenantStatement = (userId: string): Statement => ({
  name: 'set_tenant',
  text: "select set_config('app.user_id', $1, true)",
  values: [userId],
});

/** Opens the pools lazily: nothing is connected until the first query, so a database that comes up later is found. */
export function connect(options: ConnectOptions): Database {
  refusePooler(options.url);
  const base = { connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true, pipeline: true };
  const ownerConfig = {
    ...base,
    connectionString: options.ownerUrl ?? options.url,
    application_name: 'whitemagic-owner',
    options: '-c timezone=UTC',
  };
  // The role comes with the connection's start: not even `reset role` or `discard all` leads back to the owner.
  const appConfig = {
    ...base,
    connectionString: options.url,
    application_name: 'whitemagic-app',
    options: `-c role=${APP_ROLE} -c timezone=UTC -c statement_timeout=${STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=30000`,
  };
  const { onError } = options;
  const owner = new pg.Pool({ ...ownerConfig, max: 6 });
  const app = new pg.Pool({ ...appConfig, max: options.poolSize ?? 12 });
  for (const pool of [owner, app]) {
    // An idle connection that breaks must not end the process; the pool replaces it.
    pool.on('error', onError);
    // Nor one that breaks in somebody's hands between two statements: the next statement says so.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('connect', coalesce);
  }
  const points = shareConnections(appConfig, { count: 3, onOpen: coalesce, onError });
  const lookups = shareConnections(ownerConfig, { count: 1, onOpen: coalesce, onError });
  // Nothing to coalesce: a group of events is one statement.
  const records = shareConnections(ownerConfig, { count: 1, onError });

  return {
    owner,
    shared: (userId) => tenantSql(userId, async (use) => use(await points.next())),
    read: (userId) => tenantSql(userId, (use) => withClient(app, use)),
    lookup: async <Row>(statement: Statement) => {
      const client = await lookups.next();
      return (await executeBatch<Row>(client, statement)).rows;
    },
    write: (userId, work, event) =>
      retryTransient(() => withClient(app, (client) => transaction(client, work, { userId, event }))),
    memoryWrite: (userId, work, event) =>
      retryTransient(() => withClient(app, (client) => transaction(client, work, { userId, locks: true, event }))),
    snapshot: (userId, work) => withClient(app, (client) => transaction(client, work, { userId, begin: SNAPSHOT })),
    record: (events) =>
      retryTransient(async () => {
        await executeBatch(await records.next(), insertUsageEventsStatement(events));
      }),
    ownerWrite: (work, event) =>
      retryTransient(() => withClient(owner, (client) => transaction(client, work, { event }))),
    close: async () => {
      await Promise.all([owner.end(), app.end(), points.close(), lookups.close(), records.close()]);
    },
  };
}

/** Start-up proof that row-level security holds on the tenant connections. Throws with what to do when it does not. */
export async function assertRowLevelSecurity(database: Database): Promise<void> {
  const nobody = '00000000-0000-0000-0000-000000000000';
  const { rows } = await database.shared(nobody).query<{ active: boolean; role: string }>({
    text: "select row_security_active('memories') as active, current_user as role",
  });
  const [row] = rows;
  if (row?.active && row.role === APP_ROLE) return;
  throw new Error(
    `Row-level security does not hold for the role "${row?.role}": it is a superuser or has BYPASSRLS. ` +
      `Let the migrations create ${APP_ROLE} and give DATABASE_URL a login that may "set role ${APP_ROLE}".`,
  );
}

/** Statements of a tenant's, each on the connection that `on` has for it. */
function tenantSql(userId: string, on: <T>(use: (client: pg.ClientBase) => Promise<T>) => Promise<T>): Sql {
  return {
    query: <Row>(statement: Statement) =>
      on((client) => executeBatch<Row>(client, setTenantStatement(userId), statement)),
  };
}

function refusePooler(url: string): void {
  const { hostname, port, searchParams } = new URL(url);
  const pooled = hostname.includes('-pooler.') || port === '6543' || searchParams.get('pgbouncer') === 'true';
  if (!pooled) return;
  throw new Error(
    'DATABASE_URL points at a transaction-mode pooler, where neither session settings nor LISTEN survive. ' +
      "Use the database's direct URL.",
  );
}
