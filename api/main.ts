import { resolve } from 'node:path';
import { type EmbeddedDatabase, startEmbedded } from '../db/embedded/start.ts';
import { ensureLocalOwner, writeCredentials } from './accounts/local-owner.ts';
import { type Service, startService } from './bootstrap.ts';
import { type Config, readConfig } from './config.ts';
import { newId } from './ids.ts';
import { createLog } from './observability/log.ts';
import { startupBanner } from './startup-banner.ts';

/** The process: configuration, database, service; then it waits for a signal, drains, and ends. */
async function main(): Promise<void> {
  const config = readConfig();
  const person = process.stdout.isTTY === true;
  const log = createLog({ level: config.logLevel, pretty: person });
  // From the very start: a Ctrl-C during the start must not leave a database behind that nobody stops.
  const stopped = signalled();
  const embedded = config.databaseUrl
    ? undefined
    : await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) });
  try {
    const databaseUrl = config.databaseUrl ?? (embedded?.url as string);
    const service = await startService({ ...config, databaseUrl }, log);
    try {
      await greet(config, service, embedded, person);
      log.info(`${await stopped}: draining`);
    } finally {
      await service.stop();
    }
  } finally {
    await embedded?.stop();
  }
  log.info('stopped');
}

/** Prints where the service is. The key is shown to a person at a terminal only, once; never into a log. */
async function greet(
  config: Config,
  service: Service,
  embedded: EmbeddedDatabase | undefined,
  person: boolean,
): Promise<void> {
  const facts = { url: service.url, color: person, dataDir: resolve(config.dataDir) };
  if (!embedded) {
    process.stdout.write(`${startupBanner(facts)}\n`);
    return;
  }
  const context = { now: () => new Date(), newId };
  const dataDir = resolve(config.dataDir);
  const { apiKey, isNew } = await service.database.ownerWrite(async (sql) => {
    const owner = await ensureLocalOwner({ ...context, sql }, dataDir, config.keyEnvironment);
    // Before the commit: a key that nobody can read must not exist.
    await writeCredentials(dataDir, { url: service.url, api_key: owner.apiKey });
    return owner;
  });
  process.stdout.write(`${startupBanner(isNew && person ? { ...facts, apiKey } : facts)}\n`);
  if (isNew && !person) process.stdout.write(`  The key of the local account is in ${dataDir}/credentials.json\n\n`);
}

/** The first signal to stop. Later ones change nothing: a terminal's Ctrl-C often comes twice, by npm once more. */
function signalled(): Promise<NodeJS.Signals> {
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
// Whatever still holds the process open has nothing left to do.
setTimeout(() => process.exit(), 500).unref();
