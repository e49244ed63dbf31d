import { resolve } from 'node:path';
import { type EmbeddedDatabase, startEmbedded } from '../db/embedded/start.ts';
import { ensureLocalOwner, writeCredentials } from './accounts/local-owner.ts';
import { issueLocalSignInLink } from './auth/local-sign-in.ts';
import { type Service, startService } from './bootstrap.ts';
import { type Config, readConfig } from './config.ts';
import { newId } from './ids.ts';
import { openFaultReports } from './observability/fault-reports.ts';
import { createLog, type Logger } from './observability/log.ts';
import { openLogDrains } from './observability/log-drains.ts';
import { openTracing } from './observability/tracing.ts';
import { requireSettings } from './startup/require-settings.ts';
import { startupBanner } from './startup-banner.ts';

/** Milliseconds for reports that wait to be sent. */
const REPORTS_CLOSE_MS = 2_000;
const CLOCK = { now: () => new Date(), newId };

/** Starts the database and the service, waits for a signal, and stops both. */
async function main(): Promise<void> {
  const config = readConfig();
  const isTerminal = process.stdout.isTTY === true;
  const reports = await openFaultReports({ dsn: config.sentryDsn, environment: config.keyEnvironment });
  const drains = await openLogDrains(config.logDrains);
  const log = createLog({
    level: config.logLevel,
    pretty: isTerminal,
    drains: drains.streams,
    onFault: reports.report,
  });
  const tracing = await openTracing({
    ...config.tracing,
    service: 'whitemagic-api',
    environment: config.keyEnvironment,
  });
  // Registered first, so that Ctrl-C during the start also stops the embedded database.
  const stopped = stopSignal();
  await requireSettings(config, log);
  const embedded = config.databaseUrl
    ? undefined
    : await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) });
  try {
    const databaseUrl = config.databaseUrl ?? (embedded?.url as string);
    const service = await startService({ ...config, databaseUrl }, log);
    try {
      await greet(config, service, embedded, log, isTerminal);
      log.info(`${await stopped}: draining`);
    } finally {
      await service.stop();
    }
  } finally {
    await embedded?.stop();
    await Promise.allSettled([reports.close(REPORTS_CLOSE_MS), tracing.close(REPORTS_CLOSE_MS)]);
  }
  log.info('stopped');
  await drains.close(REPORTS_CLOSE_MS);
}

/**
 * Reports the URLs of the service: at a terminal as text, with the key when it is new; elsewhere as one JSON line whatever
 * `LOG_LEVEL` is, because a log collector reads lines of JSON, and a key must not end up in a log file.
 */
async function greet(
  config: Config,
  service: Service,
  embedded: EmbeddedDatabase | undefined,
  log: Logger,
  isTerminal: boolean,
): Promise<void> {
  const dataDir = resolve(config.dataDir);
  const local = embedded && (await localAccount(config, service, dataDir));
  if (isTerminal) {
    const apiKey = local?.isNew ? local.apiKey : undefined;
    const signInPath = local && (await service.database.ownerWrite((sql) => issueLocalSignInLink({ ...CLOCK, sql })));
    const signInUrl = signInPath && `${service.url}${signInPath}`;
    const banner = { url: service.url, dataDir, ...(signInUrl && { signInUrl }), ...(apiKey && { apiKey }) };
    process.stdout.write(`${startupBanner(banner)}\n`);
    return;
  }
  const urls = { api: `${service.url}/api/v1`, mcp: `${service.url}/mcp`, reference: `${service.url}/docs` };
  const credentials = local?.isNew ? { credentials: `${dataDir}/credentials.json` } : {};
  log.child({}, { level: 'info' }).info({ ...urls, ...credentials }, 'WhiteMagic is running');
}

/** Returns the account of this machine with its key, which it creates at the first start and writes to the data directory. */
function localAccount(config: Config, service: Service, dataDir: string): Promise<{ apiKey: string; isNew: boolean }> {
  return service.database.ownerWrite(async (sql) => {
    const owner = await ensureLocalOwner({ ...CLOCK, sql }, dataDir, config.keyEnvironment);
    // Before the commit, so that no key exists whose file could not be written.
    await writeCredentials(dataDir, { url: service.url, api_key: owner.apiKey });
    return owner;
  });
}

/** Resolves at the first signal to stop. Further ones are ignored, because npm forwards the Ctrl-C that the process has already received. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// Ends the process even if something still keeps the event loop alive.
setTimeout(() => process.exit(), 500).unref();
