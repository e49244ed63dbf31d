import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../db/embedded/start.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { createDatabase } from './database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the role that owns the test databases, in the cluster of this run. */
    clusterUrl: string;
  }
}

/** The database that every test file's own is cloned from. */
export const TEMPLATE = 'whitemagic_template';

/** Starts one embedded PostgreSQL for the run, with a migrated template database; stops it at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-test-'));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  await migrateUp(await createDatabase(embedded.url, TEMPLATE));
  project.provide('clusterUrl', embedded.url);
  return async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
