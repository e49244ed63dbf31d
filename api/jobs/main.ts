import { connect } from '../../db/client/database.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { openBackups } from '../backup/backups.ts';
import { openBilling } from '../billing/billing.ts';
import { createClosers } from '../closers.ts';
import { readConfig } from '../config.ts';
import { newId } from '../ids.ts';
import { openMailTransport } from '../mail/transport.ts';
import { openFaultReports } from '../observability/fault-reports.ts';
import { createLog } from '../observability/log.ts';
import { openLogDrains } from '../observability/log-drains.ts';
import { createMetrics } from '../observability/metrics.ts';
import { startMetricsServer } from '../observability/metrics-server.ts';
import { openTracing } from '../observability/tracing.ts';
import { requireSettings } from '../startup/require-settings.ts';
import { createStateReader } from './service-state.ts';
import { startWorker } from './worker.ts';

/** Time for running jobs to finish, and for each other resource to close. */
const JOBS_STOP_MS = 15_000;
const CLOSE_MS = 2_000;
const EXIT_MS = 500;

/** Entry point of `whitemagic-server worker`: runs background jobs in a process of its own, on an external database. */
async function main(): Promise<void> {
  const config = readConfig();
  const reports = await openFaultReports({ dsn: config.sentryDsn, environment: config.keyEnvironment });
  const pretty = process.stdout.isTTY === true;
  const drains = await openLogDrains(config.logDrains);
  const log = createLog({
    level: config.logLevel,
    pretty,
    process: 'worker',
    drains: drains.streams,
    onFault: reports.report,
  });
  if (!config.databaseUrl) {
    throw new Error(
      'DATABASE_URL is required for a separate worker. With the embedded database the service itself runs the jobs.',
    );
  }
  await requireSettings(config, log);
  const ownerUrl = config.databaseOwnerUrl ?? config.databaseUrl;
  await migrateUp(ownerUrl);
  const closers = createClosers();
  closers.add(() => drains.close(CLOSE_MS), CLOSE_MS);
  closers.add(() => reports.close(CLOSE_MS), CLOSE_MS);
  const tracing = await openTracing({
    ...config.tracing,
    service: 'whitemagic-worker',
    environment: config.keyEnvironment,
  });
  closers.add(() => tracing.close(CLOSE_MS), CLOSE_MS);
  const database = connect({
    url: config.databaseUrl,
    ownerUrl,
    onError: (error) => log.warn({ err: error }, 'a database connection failed'),
  });
  closers.add(() => database.close(), CLOSE_MS);
  const transport = openMailTransport(config);
  closers.add(() => transport.close(), CLOSE_MS);
  const publicUrl = () => config.publicUrl ?? `http://${config.host}:${config.port}`;
  const clock = { now: () => new Date(), newId };
  const metrics = createMetrics({
    service: { readState: createStateReader(database, clock.now), readPools: database.poolStates },
  });
  if (config.metricsPort !== undefined) {
    const metricsServer = await startMetricsServer(metrics, config.metricsPort, config.host);
    closers.add(() => metricsServer.close(), CLOSE_MS);
  }
  const billing = openBilling(config.whop, { ...clock, database, publicUrl, log, metrics });
  const worker = await startWorker(
    {
      database,
      transport,
      usageRetentionDays: config.usageRetentionDays,
      publicUrl,
      billing,
      backups: openBackups(config.backup, { ...clock, database, ownerUrl }),
      outgoing: { allowPrivate: config.allowPrivateUrls },
    },
    ownerUrl,
    log,
  );
  closers.add(() => worker.stop(), JOBS_STOP_MS);
  log.info('running background jobs');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await closers.closeAll().catch((error) => log.warn({ err: error }, 'the worker stopped with an error'));
      // An interrupted job keeps the event loop alive. It runs again, in another worker or after the next start.
      setTimeout(() => process.exit(), EXIT_MS).unref();
    });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
