import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Database } from '../db/client/database.ts';
import { type KeyOwnerRow, keyOwnerStatement } from '../db/queries/accounts/api-keys.ts';
import { listenForAccountChanges } from '../db/queries/accounts/change-notifications.ts';
import { registerModel } from '../db/queries/search/embedding-models.ts';
import { insertUsageEventsStatement, sumDayUnitsStatement } from '../db/queries/usage/events.ts';
import { migrateUp, pendingMigrations } from '../db/schema/migrate.ts';
import { assertRowLevelSecurity } from '../db/schema/row-level-security.ts';
import { createApp } from './app.ts';
import { openBilling } from './billing/billing.ts';
import type { Config } from './config.ts';
import type { Embedder } from './embeddings/embedder.ts';
import { type Indexer, startIndexer } from './embeddings/indexer.ts';
import { openEmbedder, openPreviousModels } from './embeddings/open.ts';
import type { Readiness } from './http/routes/health.ts';
import { newId } from './ids.ts';
import { startWorker, type Worker } from './jobs/worker.ts';
import { secretScanning } from './keys/secret-scanning.ts';
import { addressLimiter, CALLS_PER_ADDRESS } from './limits/ip-rate-limiter.ts';
import { type Limiter, localLimiter } from './limits/local-limiter.ts';
import { redisLimiter } from './limits/redis-limiter.ts';
import { openTransport } from './mail/transport.ts';
import type { Logger } from './observability/log.ts';
import { createMetrics } from './observability/metrics.ts';
import type { PipelineDependencies } from './pipeline/dependencies.ts';
import { type KeyCache, keyCache } from './pipeline/key-cache.ts';
import { groupRecorder } from './usage/event-recorder.ts';

/** A running API node. */
export interface Service {
  /** Where it is reached, without a slash at the end. */
  url: string;
  database: Database;
  /** Takes no more requests, answers those under way, lets jobs finish, then closes everything. */
  stop(): Promise<void>;
}

export interface ServiceConfig extends Config {
  databaseUrl: string;
  /** Calls a minute that one address may make without a valid key. Default {@link CALLS_PER_ADDRESS}. */
  callsPerAddress?: number;
}

const CLOCK = { now: () => new Date(), newId };

/** How long requests under way may take once the service stops. */
const DRAIN_MS = 10_000;

/**
 * Puts an API node together and starts it: migrations, pipeline, jobs, listener.
 * @throws when the database cannot be reached, row-level security does not hold, or the address is taken
 */
export async function startService(config: ServiceConfig, log: Logger): Promise<Service> {
  const ownerUrl = config.databaseOwnerUrl ?? config.databaseUrl;
  await migrateUp(ownerUrl);
  const database = connect({
    url: config.databaseUrl,
    ownerUrl,
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const transport = openTransport(config);
  const limiter = openLimiter(config, database, log);
  const metrics = createMetrics(() => limiter.state === 'redis: degraded');
  const keys = keyCache(async (hash) => (await database.lookup<KeyOwnerRow>(keyOwnerStatement(hash)))[0]);
  const listener = listenForAccountChanges(config.databaseUrl, keys, (error) =>
    log.warn({ err: error }, 'changes of accounts are not heard: every key is looked up'),
  );
  const embeddings = { embedder: config.embedder, ...config.embeddings, log: (line: string) => log.warn(line) };
  const embedder = openEmbedder(embeddings);
  let formerEmbedders: Embedder[] = [];
  let server: Server | undefined;
  let worker: Worker | undefined;
  let indexer: Indexer | undefined;
  try {
    await assertRowLevelSecurity(database);
    if (config.embedder !== 'none') {
      formerEmbedders = openPreviousModels(embeddings, await registerModel(database.owner, embedder.model));
      indexer = startIndexer(database, embedder, formerEmbedders, log);
    }
    let url = config.publicUrl ?? '';
    const publicUrl = () => url;
    const billing = openBilling(config.whop, { ...CLOCK, database, publicUrl, log, metrics });
    const app = createApp({
      config,
      log,
      pipeline: {
        ...createPipelineDependencies(config, database, limiter, keys, embedder, log),
        metrics,
        publicUrl,
        billing,
        formerEmbedders,
        onMemoriesWritten: () => indexer?.wake(),
      },
      publicUrl,
      readiness: () => readiness(database, limiter, embedder),
    });
    server = await listen(createServer(app.callback()), config);
    url = config.publicUrl ?? addressOf(server, config.host);
    // Only now: mails name the address.
    const { usageRetentionDays } = config;
    if (config.jobs)
      worker = await startWorker({ database, transport, usageRetentionDays, publicUrl, billing }, ownerUrl, log);
    const listening = server;
    return {
      url,
      database,
      stop: once(() =>
        stop(listening, [indexer, worker], [transport, limiter, listener, embedder, ...formerEmbedders], database),
      ),
    };
  } catch (error) {
    server?.close();
    await worker?.stop();
    limiter.close();
    await listener.close();
    await indexer?.stop();
    for (const one of [embedder, ...formerEmbedders]) await one.close();
    await database.close();
    throw error;
  }
}

function openLimiter({ redisUrl, expectedNodes }: Config, database: Database, log: Logger): Limiter {
  const readDayUnits = async (userId: string, day: string) => {
    const [row] = await database.lookup<{ units: number }>(sumDayUnitsStatement(userId, day));
    return row?.units ?? 0;
  };
  if (!redisUrl) return localLimiter(readDayUnits);
  const onError = (error: Error) => log.warn({ err: error }, 'Redis is away: each node limits for itself');
  return redisLimiter({ url: redisUrl, readDayUnits, expectedNodes, onError });
}

function createPipelineDependencies(
  config: ServiceConfig,
  database: Database,
  limiter: Limiter,
  keys: KeyCache,
  embedder: Embedder,
  log: Logger,
): Omit<PipelineDependencies, 'metrics' | 'publicUrl'> {
  return {
    database,
    limiter,
    keys,
    secretScanning: secretScanning(config.githubMetaUrl),
    addresses: addressLimiter(config.callsPerAddress ?? CALLS_PER_ADDRESS, { limiter }),
    embedder,
    recorder: groupRecorder((events) => database.writeGroup(insertUsageEventsStatement(events))),
    ...CLOCK,
    keyEnvironment: config.keyEnvironment,
    enforceContracts: !config.production,
    onFault: (error, requestId) => log.error({ err: error, request_id: requestId }, 'a call failed by our fault'),
  };
}

async function readiness(database: Database, limiter: Limiter, embedder: Embedder): Promise<Readiness> {
  const parts = { limiter: limiter.state, search: { lexical: 'on', semantic: embedder.state } } as const;
  try {
    const current = (await pendingMigrations(database.owner)).length === 0;
    return { ready: current, database: 'ok', migrations: current ? 'current' : 'pending', ...parts };
  } catch {
    return { ready: false, database: 'unreachable', migrations: 'unknown', ...parts };
  }
}

function listen(server: Server, { port, host }: Config): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`Port ${port} on ${host} is taken. Stop what uses it, or set PORT to another.`) : error);
    });
    server.listen(port, host, () => resolve(server));
  });
}

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const anywhere = host === '0.0.0.0' || host === '::';
  return `http://${anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function stop(
  server: Server,
  workers: ({ stop(): Promise<void> } | undefined)[],
  resources: { close(): void | Promise<void> }[],
  database: Database,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Again and again: a connection kept alive becomes idle when its last answer is out, and would hold us up for seconds.
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const overdue = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(overdue);
  for (const worker of workers) await worker?.stop();
  for (const resource of resources) await resource.close();
  await database.close();
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
