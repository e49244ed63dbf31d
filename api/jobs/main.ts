import { connect } from '../../db/client/database.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { openBilling } from '../billing/billing.ts';
import { readConfig } from '../config.ts';
import { newId } from '../ids.ts';
import { openMailTransport } from '../mail/transport.ts';
import { createLog } from '../observability/log.ts';
import { createMetrics } from '../observability/metrics.ts';
import { startWorker } from './worker.ts';

/** Entry point of `npm run worker`: runs background jobs in a process of its own, on an external database. */
async function main(): Promise<void> {
  const config = readConfig();
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY === true });
  if (!config.databaseUrl) {
    throw new Error(
      'DATABASE_URL is required for a separate worker. With the embedded database the service itself runs the jobs.',
    );
  }
  const ownerUrl = config.databaseOwnerUrl ?? config.databaseUrl;
  await migrateUp(ownerUrl);
  const database = connect({
    url: config.databaseUrl,
    ownerUrl,
    onError: (error) => log.warn({ err: error }, 'a database connection failed'),
  });
  const transport = openMailTransport(config);
  const publicUrl = () => config.publicUrl ?? `http://${config.host}:${config.port}`;
  const clock = { now: () => new Date(), newId };
  const billing = openBilling(config.whop, { ...clock, database, publicUrl, log, metrics: createMetrics(() => false) });
  const worker = await startWorker(
    { database, transport, usageRetentionDays: config.usageRetentionDays, publicUrl, billing },
    ownerUrl,
    log,
  );
  log.info('running background jobs');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await worker.stop();
      transport.close();
      await database.close();
    });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
