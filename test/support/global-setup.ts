import { appendFile, chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../db/embedded/start.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { createDatabase } from './database.ts';
import { findDeadlocks } from './deadlocks.ts';
import { findInLogs } from './logs.ts';
import { copyDataDir } from './prepared-data-dir.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..');

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the role that owns the test databases, in the cluster of this run. */
    clusterUrl: string;
    /** A data directory with an initialized and migrated database, to be copied. Nothing runs on it. */
    preparedDataDir: string;
    /** Whether `dist/` holds the compiled form of the current sources. */
    isBuilt: boolean;
    /** Folder of the logs of this run. */
    logFolder: string;
  }
}

/** The migrated database from which the database of each test file is cloned. */
const TEMPLATE = 'whitemagic_template';

/** Starts one embedded PostgreSQL for the run, with a migrated template database. Returns a function that stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const isBuilt = await isBuildCurrent();
  if (!isBuilt)
    console.log(
      'dist/ is missing or out of date: child processes run from source (`npm run build` makes them start faster).',
    );
  project.provide('isBuilt', isBuilt);

  const root = await mkdtemp(join(tmpdir(), 'whitemagic-test-'));
  // mkdtemp creates it with 0700, which the database's user could not enter.
  await chmod(root, 0o755);
  const [prepared, dataDir] = [join(root, 'prepared'), join(root, 'cluster')];
  await prepare(prepared);
  await copyDataDir(prepared, dataDir);
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  await turnOffFsync(embedded.directory);
  await createDatabase(embedded.url, TEMPLATE, new URL(embedded.url).pathname.slice(1));
  project.provide('clusterUrl', embedded.url);
  project.provide('preparedDataDir', prepared);
  const logFolder = join(root, 'logs');
  project.provide('logFolder', logFolder);
  return async () => {
    await embedded.stop();
    await reportDeadlocks(join(dirname(embedded.directory), 'server.log'));
    report(await findInLogs(logFolder), 'Secrets or texts in the logs of the tested services');
    await rm(root, { recursive: true, force: true });
  };
}

/** Fails the run when the server detected a deadlock that no test caused on purpose: docs/architecture.md names the order of locks. */
async function reportDeadlocks(logFile: string): Promise<void> {
  report(findDeadlocks(await readFile(logFile, 'utf8')), 'Deadlocks in the log of PostgreSQL');
}

/** Fails the run when something was found, of which it prints the first ten. */
function report(found: string[], title: string): void {
  if (found.length === 0) return;
  process.exitCode = 1;
  console.error(`\n${title} (${found.length}), which fail this run:\n\n${found.slice(0, 10).join('\n')}`);
}

async function prepare(dataDir: string): Promise<void> {
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  await migrateUp(embedded.url);
  await embedded.stop();
}

/** Stops the server from waiting for the disk: nothing on this cluster must survive the run. */
async function turnOffFsync(clusterDirectory: string): Promise<void> {
  await appendFile(join(clusterDirectory, 'postgresql.conf'), 'fsync = off\nfull_page_writes = off\n');
  const [pid] = (await readFile(join(clusterDirectory, 'postmaster.pid'), 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGHUP');
}

/** Whether the last build is newer than every source file of the server. */
async function isBuildCurrent(): Promise<boolean> {
  const built = await stat(join(CHECKOUT, 'dist', '.built.json')).catch(() => undefined);
  if (!built) return false;
  for (const folder of ['api', 'db', 'mcp', 'scripts']) {
    for (const file of await readdir(join(CHECKOUT, folder), { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || file.parentPath.startsWith(join(CHECKOUT, 'api', 'dashboard'))) continue;
      const source = await stat(join(file.parentPath, file.name));
      if (source.mtimeMs > built.mtimeMs) return false;
    }
  }
  return true;
}
