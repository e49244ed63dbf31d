import pg from 'pg';
import { executeBatch, statementSpan } from './batch.ts';
import { CANCELLED, cancellable, checked } from './cancel.ts';
import { createFairSemaphore, type FairSemaphore } from './fair-semaphore.ts';
import { ServerUnresponsiveError, startHeartbeat } from './heartbeat.ts';
import { cancelStatement, coalesceClientWrites } from './pg-internals.ts';
import { isDiskFull, isOverloaded, retryTransient } from './retry.ts';
import { shareConnections } from './shared-connections.ts';
import { createFlushTogether, FLUSH } from './shared-flush.ts';
import type { Sql, Statement } from './sql.ts';
import {
  APP_ROLE,
  setTenantStatement,
  signalOf,
  type Tenant,
  tenantStatements,
  userIdOf,
  withTenantPlans,
} from './tenant.ts';
import { traced } from './trace.ts';
import { type JoinedStatements, transaction, withClient } from './transaction.ts';

/**
 * Access to PostgreSQL. `owner` owns the tables: migrations, jobs, administration, metering and authentication. A tenant's data is
 * reached through `shared`, `read`, `write` and `snapshot`, as the role `wm_app`, which owns nothing and cannot bypass row-level
 * security, with the tenant set for that transaction only. One tenant holds at most a share of a pool's connections; waiting tenants get
 * them in turn, and a caller that waits too long gets a {@link NoPermitError}.
 */
export interface Database {
  owner: pg.Pool;
  /** Short statements of a tenant, on connections that all callers share: four of them carry twice the reads of a pool of ten. */
  shared(tenant: Tenant): Sql;
  /**
   * Statements of a tenant that only read and may be slow. Each has a pooled connection for as long as it runs: concurrent ones run in
   * parallel, and none is held between two statements.
   */
  read(tenant: Tenant): Sql;
  /** One short statement that belongs to no tenant yet (authentication), on a shared connection of the owner. Returns its rows. */
  lookup<Row>(statement: Statement): Promise<Row[]>;
  /**
   * One statement that acquires or releases advisory locks of this process, in a session kept for them. After an error the session is
   * closed, which releases all of them. Returns its rows.
   */
  lock<Row>(statement: Statement): Promise<Row[]>;
  /** A transaction of a tenant: commits when `work` resolves, rolls back when it throws. Transient failures are retried. */
  write<T>(tenant: Tenant, work: (sql: Sql) => Promise<T>, joined?: JoinedStatements<T>): Promise<T>;
  /** A read-only transaction of a tenant whose statements all see the same snapshot. */
  snapshot<T>(tenant: Tenant, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** One statement that writes the rows of many callers, on a connection of the owner kept for it; all or none. Retried like `write`. */
  writeGroup(statement: Statement): Promise<void>;
  /**
   * A transaction of the owner, for work that spans tenants or exceeds the rights of the tenants' role. Retried like `write`.
   * @param tenant on whose behalf it runs: it then holds a part of that tenant's share
   */
  ownerWrite<T>(work: (sql: Sql) => Promise<T>, joined?: JoinedStatements<T>, tenant?: string): Promise<T>;
  /**
   * A read-only transaction of the owner for an operator, who sees every account. It holds a part of the operator's share, and its
   * statements have the time limit of a tenant's.
   */
  operatorRead<T>(operatorId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Short statements of the owner on a connection of their own, for readiness: rejected within 1.5 s, whatever the server does. */
  probe: Sql;
  /** Connections of the pools, and transactions that wait for one. */
  poolStates(): { pool: string; used: number; idle: number; waiting: number }[];
  /** True while the server's disk is full: writes fail, reads may work. */
  isDiskFull(): boolean;
  close(): Promise<void>;
}

interface ConnectOptions {
  /** URL of the role that owns the tables, or of a login that may `set role wm_app`. */
  url: string;
  /** URL of a login that owns the tables, when `url` is the application's own login. */
  ownerUrl?: string;
  /** Connections of the tenants' pool. */
  poolSize?: number;
  onError: (error: Error) => void;
}

const POOL_SIZE = 12;
const OWNER_POOL_SIZE = 6;
/** Part of a pool's connections that one tenant may hold: with a third, three tenants that flood a node leave none idle. */
const TENANT_SHARE = 1 / 3;
/** Maximum wait for a connection. */
const ACQUIRE_TIMEOUT_MS = 10_000;
/** The server cancels a tenant's statement after this time. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** The client gives up a tenant's statement, and its connection, after this time: only a server or network that hangs gets there. */
const RESPONSE_TIMEOUT_MS = 20_000;
/** The same for statements of jobs and administration, which may be long. */
const OWNER_RESPONSE_TIMEOUT_MS = 600_000;
const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;
/** Maximum time to connect the session that holds locks, and of its statements. */
const LOCK_TIMEOUT_MS = 1_000;
/** The server notices within half a minute that the machine of that session has disappeared, and releases its locks. */
const SERVER_KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';
/** Time without traffic after which the operating system checks a connection. */
const KEEPALIVE_DELAY_MS = 10_000;
/** Time without a failed or successful write after which a full disk is no longer assumed. */
const DISK_FULL_MS = 60_000;

const BEGIN_SNAPSHOT = { name: 'begin_snapshot', text: 'begin isolation level repeatable read read only' };

/** Limits the time of the statements of a transaction, on a connection that has no limit of its own. */
const STATEMENT_TIMEOUT = {
  name: 'limit_statements',
  text: `select set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}', true)`,
};

/** Creates the pools. Nothing connects before the first query, so a database that starts later is found. */
export function connect(options: ConnectOptions): Database {
  rejectPooler(options.url);
  const base = {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    // With it, a statement that gets no response in time also closes its connection.
    pipeline: true,
  };
  const ownerConfig = {
    ...base,
    connectionString: options.ownerUrl ?? options.url,
    application_name: 'whitemagic-owner',
    options: '-c timezone=UTC',
    query_timeout: OWNER_RESPONSE_TIMEOUT_MS,
  };
  /** For the short statements of the owner that requests wait for. */
  const requestConfig = {
    ...ownerConfig,
    options: `${ownerConfig.options} -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
    query_timeout: RESPONSE_TIMEOUT_MS,
  };
  // The role is a start-up option of the connection: not even `reset role` or `discard all` leads back to the owner.
  const appConfig = {
    ...base,
    connectionString: options.url,
    application_name: 'whitemagic-app',
    options: `-c role=${APP_ROLE} -c timezone=UTC -c statement_timeout=${STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=30000`,
    query_timeout: RESPONSE_TIMEOUT_MS,
  };
  const { onError } = options;
  const cancel = (client: pg.ClientBase) => cancelStatement(appConfig, client);
  const heartbeat = startHeartbeat({ ...ownerConfig, application_name: 'whitemagic-heartbeat' }, onError);
  const disk = watchDisk();
  /** Runs work at once, or rejects it while the server does not respond. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    heartbeat.assertResponsive();
    try {
      return await work();
    } catch (error) {
      // The pool reports the same for a server that is busy and for one that does not respond.
      if (isOverloaded(error) && heartbeat.isOverdue()) throw new ServerUnresponsiveError();
      throw error;
    }
  };
  const poolSize = options.poolSize ?? POOL_SIZE;
  const owner = withTracedQueries(new pg.Pool({ ...ownerConfig, max: OWNER_POOL_SIZE }));
  const app = new pg.Pool({ ...appConfig, max: poolSize });
  const appPermits = sharePermits(poolSize);
  const ownerPermits = sharePermits(OWNER_POOL_SIZE);
  const withAppClient = <T>(tenant: Tenant, work: (client: pg.PoolClient) => Promise<T>) =>
    guarded(() => appPermits.run(userIdOf(tenant), () => withClient(app, work)));
  for (const pool of [owner, app]) {
    // An idle connection that breaks must not end the process; the pool replaces it.
    pool.on('error', onError);
    // Nor a checked-out one that breaks between two statements: the next statement fails.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('connect', coalesceClientWrites);
    pool.on('connect', heartbeat.watch);
  }
  const onOpen = (client: pg.Client) => {
    coalesceClientWrites(client);
    heartbeat.watch(client);
  };
  const sharedConnections = shareConnections(appConfig, { count: 3, onOpen, onError });
  const lookupConnection = shareConnections(requestConfig, { count: 1, onOpen, onError });
  // Its writes need no coalescing: a group is one statement.
  const groupConnection = shareConnections(requestConfig, { count: 1, onOpen: heartbeat.watch, onError });
  const flushConnection = shareConnections(requestConfig, { count: 1, onOpen: heartbeat.watch, onError });

  const lockConfig = {
    ...ownerConfig,
    application_name: 'whitemagic-locks',
    options: `${ownerConfig.options} ${SERVER_KEEPALIVE} -c statement_timeout=${LOCK_TIMEOUT_MS}`,
    connectionTimeoutMillis: LOCK_TIMEOUT_MS,
    query_timeout: 2 * LOCK_TIMEOUT_MS,
  };
  const lockConnection = shareConnections(lockConfig, { count: 1, onOpen: heartbeat.watch, onError });

  const flushTogether = createFlushTogether(() =>
    guarded(async () => void (await executeBatch(await flushConnection.next(), FLUSH))),
  );

  return {
    owner,
    shared: (tenant) => tenantSql(tenant, (use) => guarded(async () => use(await sharedConnections.next()))),
    read: (tenant) => {
      const cancellation = { signal: signalOf(tenant), counts: () => true, cancel };
      return tenantSql(tenant, (use) =>
        withAppClient(tenant, (client) => cancellable(client, cancellation, () => use(client))),
      );
    },
    lookup: <Row>(statement: Statement) =>
      guarded(async () => {
        const client = await lookupConnection.next();
        return (await executeBatch<Row>(client, statement)).rows;
      }),
    lock: async <Row>(statement: Statement) => {
      const client = await lockConnection.next();
      try {
        return (await executeBatch<Row>(client, statement)).rows;
      } catch (error) {
        client.end().catch(() => undefined);
        throw error;
      }
    },
    write: (tenant, work, joined = {}) => {
      const statements = tenantStatements(tenant, joined);
      const write = () =>
        flushTogether((commitsBeforeFlush) =>
          withAppClient(tenant, (client) =>
            cancellable(client, { signal: signalOf(tenant), counts: isCancelled, cancel }, (check) =>
              transaction(client, { ...statements, commitsBeforeFlush }, (sql) =>
                work(withTenantPlans(tenant, checked(sql, check))),
              ),
            ),
          ),
        );
      return disk.watch(() => retryTransient(write));
    },
    snapshot: (tenant, work) => {
      const options = { begin: BEGIN_SNAPSHOT, ...tenantStatements(tenant, {}) };
      return withAppClient(tenant, (client) =>
        transaction(client, options, (sql) => work(withTenantPlans(tenant, sql))),
      );
    },
    writeGroup: (statement) => {
      const write = async () => void (await executeBatch(await groupConnection.next(), statement));
      return disk.watch(() => retryTransient(() => guarded(write)));
    },
    ownerWrite: (work, joined = {}, tenant) => {
      const write = () => guarded(() => withClient(owner, (client) => transaction(client, joined, work)));
      return disk.watch(() => retryTransient(() => (tenant === undefined ? write() : ownerPermits.run(tenant, write))));
    },
    operatorRead: (operatorId, work) => {
      const options = { begin: BEGIN_SNAPSHOT, before: [STATEMENT_TIMEOUT] };
      const read = () => guarded(() => withClient(owner, (client) => transaction(client, options, work)));
      return ownerPermits.run(operatorId, read);
    },
    poolStates: () =>
      Object.entries({ app, owner }).map(([pool, { totalCount, idleCount, waitingCount }]) => ({
        pool,
        used: totalCount - idleCount,
        idle: idleCount,
        waiting: waitingCount,
      })),
    probe: heartbeat.probe,
    isDiskFull: disk.isFull,
    close: async () => {
      const shared = [sharedConnections, lookupConnection, lockConnection, groupConnection, flushConnection];
      // A server that does not respond does not end connections either.
      const overdue = setTimeout(heartbeat.closeWatched, CLOSE_TIMEOUT_MS);
      await Promise.all([
        heartbeat.close(),
        owner.end(),
        app.end(),
        ...shared.map((connections) => connections.close()),
      ]);
      clearTimeout(overdue);
    },
  };
}

/** Makes spans of the statements that are executed on the pool itself; those on its clients are sent by {@link executeBatch}. */
function withTracedQueries(pool: pg.Pool): pg.Pool {
  const query = pool.query.bind(pool) as (statement: Statement | string, values?: unknown[]) => Promise<pg.QueryResult>;
  const spanOf = (statement: Statement | string) =>
    statementSpan([typeof statement === 'string' ? { text: statement } : statement]);
  return Object.assign(pool, {
    query: (statement: Statement | string, values?: unknown[]) =>
      traced(
        () => spanOf(statement),
        () => query(statement, values),
      ),
  });
}

/** Returns whether a write is cancelled: a closed connection alone does not stop it. */
function isCancelled(reason: unknown): boolean {
  return reason === CANCELLED;
}

/** Remembers whether the latest writes failed because the disk of the server is full. */
function watchDisk() {
  let failedAt: number | undefined;
  return {
    isFull: () => failedAt !== undefined && performance.now() - failedAt < DISK_FULL_MS,
    async watch<T>(write: () => Promise<T>): Promise<T> {
      try {
        const result = await write();
        failedAt = undefined;
        return result;
      } catch (error) {
        if (isDiskFull(error)) failedAt = performance.now();
        throw error;
      }
    },
  };
}

/** Shares the connections of a pool between tenants. */
function sharePermits(permits: number): FairSemaphore {
  const permitsPerTenant = Math.ceil(permits * TENANT_SHARE);
  return createFairSemaphore({ permits, permitsPerTenant, waitMs: ACQUIRE_TIMEOUT_MS });
}

/** Executes each statement for a tenant, on the connection that `withConnection` provides for it. */
function tenantSql(tenant: Tenant, withConnection: <T>(use: (client: pg.ClientBase) => Promise<T>) => Promise<T>): Sql {
  const setTenant = setTenantStatement(tenant);
  return withTenantPlans(tenant, {
    query: <Row>({ timeoutMs, ...statement }: Statement) => {
      const opening = timeoutMs === undefined ? setTenant : setTenantStatement(tenant, timeoutMs);
      return withConnection((client) => executeBatch<Row>(client, opening, statement));
    },
  });
}

function rejectPooler(url: string): void {
  const { hostname, port, searchParams } = new URL(url);
  const isPooled = hostname.includes('-pooler.') || port === '6543' || searchParams.get('pgbouncer') === 'true';
  if (!isPooled) return;
  throw new Error(
    'DATABASE_URL points at a transaction-mode pooler, where neither session settings nor LISTEN survive. ' +
      "Use the database's direct URL.",
  );
}
