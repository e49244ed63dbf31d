import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Database } from '../db/client/database.ts';
import { memoizeAsync } from '../db/client/memoize-async.ts';
import { type KeyOwnerRow, keyOwnerStatement, validKeyHashesStatement } from '../db/queries/accounts/api-keys.ts';
import { listenForAccountChanges } from '../db/queries/accounts/change-notifications.ts';
import type { EmbeddingBacklog } from '../db/queries/search/embedding-backlog.ts';
import { registerModel } from '../db/queries/search/embedding-models.ts';
import { insertUsageEventsStatement, sumDayUnitsStatement } from '../db/queries/usage/events.ts';
import { migrateUp, pendingMigrations } from '../db/schema/migrate.ts';
import { assertRowLevelSecurity } from '../db/schema/row-level-security.ts';
import { createApp } from './app.ts';
import { openBackups } from './backup/backups.ts';
import { openBilling } from './billing/billing.ts';
import { type Closers, createClosers } from './closers.ts';
import type { Config } from './config.ts';
import { createBacklogReader, LAG_SECONDS_MAX } from './embeddings/backlog.ts';
import { createEmbedNow } from './embeddings/embed-now.ts';
import type { Embedder, Embedders } from './embeddings/embedder.ts';
import { type Indexer, startIndexer } from './embeddings/indexer.ts';
import { openEmbedder, openPreviousModels } from './embeddings/open.ts';
import { respondToClientError } from './http/client-error.ts';
import { warnOfTlsWithoutProxy } from './http/middleware/forwarded-headers.ts';
import type { Readiness } from './http/routes/health.ts';
import { createHttpServer, DRAIN_MS, type HttpServer } from './http/server.ts';
import { newId } from './ids.ts';
import { createStateReader } from './jobs/service-state.ts';
import { startWorker, type Worker } from './jobs/worker.ts';
import { secretScanning } from './keys/secret-scanning.ts';
import { createIpRateLimiter, REQUESTS_PER_IP } from './limits/ip-rate-limiter.ts';
import { openIpSalts } from './limits/ip-salts.ts';
import { type Limiter, localLimiter } from './limits/local-limiter.ts';
import { createLongRequestLock } from './limits/long-request-lock.ts';
import { createRequestQueue } from './limits/request-queue.ts';
import { openMailTransport } from './mail/transport.ts';
import type { Logger } from './observability/log.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { startMetricsServer } from './observability/metrics-server.ts';
import type { PipelineDependencies } from './pipeline/dependencies.ts';
import { countStoredMemories } from './pipeline/domain-events.ts';
import { type KeyCache, keyCache } from './pipeline/key-cache.ts';
import { createKeyCheckQueue } from './pipeline/key-check-queue.ts';
import { createGroupConcurrent } from './pipeline/write-groups.ts';
import { prepareDates } from './search/query-dates.ts';
import { createClientNames } from './usage/client-names.ts';
import { groupRecorder, type Recorder } from './usage/event-recorder.ts';

/** A running API node. */
export interface Service {
  /** Base URL, without a trailing slash. */
  url: string;
  /** Origin of the OAuth server; undefined where there is none. */
  oauthUrl: string | undefined;
  database: Database;
  /** Reports that it is not ready, stops accepting requests, finishes open requests, then jobs, and closes everything, in time. */
  stop(): Promise<void>;
}

export interface ServiceConfig extends Config {
  databaseUrl: string;
  /** Requests per minute that one client IP may make without a valid key. Default {@link REQUESTS_PER_IP}. */
  requestsPerIp?: number;
  /** Milliseconds that a search waits for the vectors of its tenant's newest memories. Default 150. */
  embedNowDeadlineMs?: number;
  /** Milliseconds in which the body of a request must arrive. Default: see `readBytes`. */
  bodyMs?: number;
  /** Clock of the service. Default: the system clock. */
  now?: () => Date;
}

/** Time in which the service stops, whatever is running: with the embedded database after it, less than 25 s. */
const STOP_MS = 16_000;
/** Time for running jobs to finish. An interrupted job runs again, on another node or after the next start. */
const JOBS_STOP_MS = 3_000;
/** Time for the batch of texts that is being embedded. They stay in the queue. */
const INDEXER_STOP_MS = 2_000;
/** Milliseconds beyond which a request is long where searches wait for an endpoint, which takes nothing of this machine. */
const ORDINARY_MS_WITH_ENDPOINT = 1_000;
/** Time for each other resource. */
const CLOSE_MS = 2_000;

/**
 * Composes and starts an API node: migrations, pipeline, jobs, HTTP server.
 * Everything already opened is closed when a later step fails.
 * @throws when the database cannot be reached, row-level security does not hold, or the address is taken
 */
export async function startService(config: ServiceConfig, log: Logger): Promise<Service> {
  await migrateUp(config.databaseOwnerUrl ?? config.databaseUrl);
  const closers = createClosers({
    totalMs: STOP_MS,
    onOverdue: (limitMs) => log.warn({ limit_ms: limitMs }, 'a part of the service did not stop in time'),
  });
  try {
    return await start(config, log, closers);
  } catch (error) {
    await closers
      .closeAll()
      .catch((closeError) => log.warn({ err: closeError }, 'a resource could not be closed after the failed start'));
    throw error;
  }
}

/** The first calls of a client that waits for the start go first. */
const PREPARE_AFTER_MS = 1_000;

/** Starts everything and adds a closer for each resource as soon as it is open. */
async function start(config: ServiceConfig, log: Logger, closers: Closers): Promise<Service> {
  const ownerUrl = config.databaseOwnerUrl ?? config.databaseUrl;
  const clock = { now: config.now ?? (() => new Date()), newId };
  const database = connect({
    url: config.databaseUrl,
    ownerUrl,
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  closers.add(() => database.close(), CLOSE_MS);
  const limiter = await openLimiter(config, database, log);
  closers.add(() => limiter.close(), CLOSE_MS);
  const recorder = groupRecorder((events) => database.writeGroup(insertUsageEventsStatement(events)));
  closers.add(() => recorder.flush(), CLOSE_MS);
  const readBacklog = config.embedder === 'none' ? undefined : createBacklogReader(database);
  const metrics = createMetrics({
    isLimiterDegraded: () => limiter.state === 'redis_unavailable',
    readBacklog,
    service: { readState: createStateReader(database, clock.now), readPools: database.poolStates },
  });
  if (config.metricsPort !== undefined) {
    const metricsServer = await startMetricsServer(metrics, config.metricsPort, config.host);
    closers.add(() => metricsServer.close(), CLOSE_MS);
  }
  const embeddings = {
    embedder: config.embedder,
    ...config.embeddings,
    log: (line: string) => log.warn(line),
    onRestart: metrics.encoderRestarted,
  };
  const embedder = openEmbedder(embeddings);
  const previousModels: Embedder[] = [];
  closers.add(() => Promise.all([embedder, ...previousModels].map((one) => one.close())), CLOSE_MS);
  const indexing = { database, embedder, log, onFailure: metrics.embeddingFailed };
  const keys = keyCache(async (hash) => (await database.lookup<KeyOwnerRow>(keyOwnerStatement(hash)))[0]);
  const listener = listenForAccountChanges(config.databaseUrl, keys, (error) =>
    log.warn({ err: error }, 'account change notifications are not received: every key is looked up'),
  );
  closers.add(() => listener.close(), CLOSE_MS);
  const transport = openMailTransport(config);
  closers.add(() => transport.close(), CLOSE_MS);

  await assertRowLevelSecurity(database);
  // Added before the server's closer and so run after it: jobs end only once the open requests are done.
  let worker: Worker | undefined;
  closers.add(() => worker?.stop(), JOBS_STOP_MS);
  let indexer: Indexer | undefined;
  if (config.embedder !== 'none') {
    previousModels.push(...openPreviousModels(embeddings, await registerModel(database.owner, embedder.model)));
    indexer = startIndexer(indexing, previousModels);
    closers.add(() => indexer?.stop(), INDEXER_STOP_MS);
  }
  let url = config.publicUrl ?? '';
  const publicUrl = () => url;
  const billing = openBilling(config.whop, { ...clock, database, publicUrl, log, metrics });
  let http: HttpServer | undefined;
  const isStopping = () => http?.isStopping ?? false;
  let oauthUrl: string | undefined;
  const ipSalts = await openIpSalts({
    sql: database.owner,
    now: clock.now,
    onError: (error) => log.warn({ err: error }, 'the salts of client IP addresses could not be renewed'),
  });
  closers.add(() => ipSalts.close(), CLOSE_MS);
  const pipeline: PipelineDependencies = {
    ...createPipelineDependencies(
      config,
      database,
      limiter,
      recorder,
      keys,
      {
        current: embedder,
        previous: previousModels,
        embedNow: createEmbedNow(indexing, config.embedNowDeadlineMs),
      },
      log,
      metrics,
      clock.now,
    ),
    ipLimiter: createIpRateLimiter(config.requestsPerIp ?? REQUESTS_PER_IP, { limiter, hash: ipSalts.hash }),
    ...clock,
    metrics,
    publicUrl,
    billing,
    oauth: config.oauth && { url: () => oauthUrl ?? '', sql: database.owner },
    onMemoriesWritten: () => indexer?.wake(),
  };
  const app = createApp({
    config,
    log,
    pipeline,
    publicUrl,
    readiness: () => readiness(database, limiter, embedder, readBacklog),
    isStopping,
    bodyMs: config.bodyMs,
  });
  warnOfTlsWithoutProxy(log, config);
  http = createHttpServer(app.callback());
  http.server.on('clientError', respondToClientError(newId, publicUrl));
  // Before the closer of the API, so that it runs after that has waited for the balancer.
  let oauthHttp: HttpServer | undefined;
  closers.add(() => oauthHttp?.stop(0, CLOSE_MS), CLOSE_MS);
  const server = await listen(http.server, config);
  setTimeout(prepareDates, PREPARE_AFTER_MS).unref();
  const { shutdownGraceMs } = config;
  closers.add(() => http?.stop(shutdownGraceMs, Math.min(DRAIN_MS, STOP_MS - JOBS_STOP_MS - shutdownGraceMs)));
  url = config.publicUrl ?? addressOf(server, config.host);
  oauthUrl = await startOAuth(config, pipeline, log, (started) => (oauthHttp = started), isStopping);
  if (oauthUrl === undefined) pipeline.oauth = undefined;
  // After `url` is known: links in e-mails start with it.
  const { usageRetentionDays } = config;
  const backups = openBackups(config.backup, { ...clock, database, ownerUrl });
  const outgoing = { allowPrivate: config.allowPrivateUrls };
  if (config.jobs) {
    const dependencies = { database, transport, usageRetentionDays, publicUrl, billing, backups, outgoing };
    worker = await startWorker(dependencies, ownerUrl, log);
  }
  return { url, oauthUrl, database, stop: closers.closeAll };
}

/** Starts the OAuth server on a port of its own. Returns its origin; undefined where there is none. */
async function startOAuth(
  { oauth, ...config }: ServiceConfig,
  pipeline: PipelineDependencies,
  log: Logger,
  onListening: (http: HttpServer) => void,
  isStopping: () => boolean,
): Promise<string | undefined> {
  if (!oauth) return undefined;
  let url = oauth.publicUrl ?? '';
  // A node without apps does not load the server's libraries.
  const handler = memoizeAsync(async () => {
    const { createOAuthApp } = await import('../mcp/oauth/app.ts');
    const outgoing = { allowPrivate: config.allowPrivateUrls };
    return createOAuthApp({ ...config, pipeline, log, url, outgoing, isStopping }).callback();
  });
  const respond: RequestListener = async (request, response) => {
    try {
      await (await handler())(request, response);
    } catch (error) {
      log.error({ err: error }, 'the OAuth server cannot be loaded');
      response.writeHead(503).end();
    }
  };
  const http = createHttpServer(respond);
  http.server.on('clientError', respondToClientError(newId, pipeline.publicUrl));
  try {
    await listen(http.server, { port: oauth.port, host: config.host, setting: 'OAUTH_PORT' });
  } catch (error) {
    if (!oauth.isOptional) throw error;
    log.warn({ err: error }, 'apps cannot connect by OAuth: set OAUTH_PORT to a free port');
    return undefined;
  }
  onListening(http);
  url ||= addressOf(http.server, config.host);
  return url;
}

async function openLimiter(config: ServiceConfig, database: Database, log: Logger): Promise<Limiter> {
  const { redisUrl, expectedNodes, now } = config;
  const readDayUnits = async (userId: string, day: string) => {
    const [row] = await database.lookup<{ units: number }>(sumDayUnitsStatement(userId, day));
    return row?.units ?? 0;
  };
  if (!redisUrl) return localLimiter(readDayUnits, now && { now: () => now().getTime() });
  const onError = (error: Error) =>
    log.warn({ err: error }, 'Redis is unavailable: each node enforces rate limits on its own');
  // A node of its own does not load the client of Redis.
  const { redisLimiter } = await import('./limits/redis-limiter.ts');
  return redisLimiter({ url: redisUrl, readDayUnits, expectedNodes, onError });
}

function createPipelineDependencies(
  config: ServiceConfig,
  database: Database,
  limiter: Limiter,
  recorder: Recorder,
  keys: KeyCache,
  embedders: Embedders,
  log: Logger,
  metrics: Metrics,
  now: () => Date,
): Omit<PipelineDependencies, 'metrics' | 'publicUrl' | 'now' | 'newId' | 'ipLimiter'> {
  const onLockError = (error: Error) => log.warn({ err: error }, 'long requests are executed without a lock');
  return {
    database,
    limiter,
    requestQueue: createRequestQueue(
      {},
      { ordinaryMs: config.embedder === 'openai' ? ORDINARY_MS_WITH_ENDPOINT : undefined },
      config.redisUrl || config.expectedNodes > 1 ? createLongRequestLock(database.lock, onLockError) : undefined,
    ),
    groupWrites: createGroupConcurrent(),
    keys,
    clients: createClientNames(),
    keyCheckQueue: createKeyCheckQueue(async (hashes) => {
      const statement = validKeyHashesStatement(hashes, now());
      return (await database.lookup<{ key_hash: Buffer }>(statement)).map(({ key_hash }) => key_hash);
    }),
    secretScanning: secretScanning(config.githubMetaUrl),
    embedders,
    recorder,
    keyEnvironment: config.keyEnvironment,
    outgoing: { allowPrivate: config.allowPrivateUrls },
    enforceContracts: !config.production,
    onDomainEvent: (event) => {
      log.info(event, event.event);
      countStoredMemories(metrics, event);
    },
    onFault: (error, { requestId, userId, operation, code }) => {
      const fields = { err: error, request_id: requestId, user_id: userId, operation, code };
      // Unavailable and overloaded: the cause is reported where it is found, not once a request.
      if (code !== undefined && code !== 'internal') log.warn(fields, 'a request was not served');
      else log.error(fields, 'a request failed with an internal error');
    },
  };
}

const NO_BACKLOG: EmbeddingBacklog = { waiting: 0, reembedding: 0, oldestSeconds: 0 };
/** Maximum time that readiness waits for the backlog of the encoder, which is measured on a shared connection. */
const BACKLOG_MS = 1_000;

/** Returns the result of the work, or undefined when it takes longer. */
function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  return Promise.race([work, delay(milliseconds, undefined, { ref: false })]);
}

async function readiness(
  database: Database,
  limiter: Limiter,
  embedder: Embedder,
  readBacklog: (() => Promise<EmbeddingBacklog>) | undefined,
): Promise<Readiness> {
  const parts = { limiter: limiter.state, search: { lexical: 'ready', semantic: embedder.state } } as const;
  try {
    const current = (await pendingMigrations(database.probe)).length === 0;
    const backlog = current && readBacklog ? await inTime(readBacklog(), BACKLOG_MS) : NO_BACKLOG;
    const embedding = backlog ? { waiting: backlog.waiting, lag_seconds: backlog.oldestSeconds } : null;
    const isBehind = embedder.state === 'ready' && (embedding === null || embedding.lag_seconds > LAG_SECONDS_MAX);
    const search = { ...parts.search, ...(isBehind && ({ semantic: 'degraded' } as const)) };
    const state = database.isDiskFull() ? 'disk_full' : 'ok';
    const migrations = current ? 'current' : 'pending';
    return { ready: current, database: state, migrations, ...parts, search, embedding };
  } catch {
    return { ready: false, database: 'unreachable', migrations: 'unknown', ...parts, embedding: null };
  }
}

function listen(
  server: Server,
  { port, host, setting = 'PORT' }: Pick<Config, 'port' | 'host'> & { setting?: string },
): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken
          ? new Error(
              `Port ${port} on ${host} is in use. Stop the process that uses it, or set ${setting} to another port.`,
            )
          : error,
      );
    });
    server.listen(port, host, () => resolve(server));
  });
}

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const anywhere = host === '0.0.0.0' || host === '::';
  return `http://${anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}
