import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findEmbedded } from '../../db/embedded/start.ts';
import { startDeployment } from '../deployment/deployment.ts';
import { startServiceProcess } from '../service-process.ts';

/** Services that a load can be sent to: the embedded default, or two nodes and a worker behind nginx with PostgreSQL and Redis. */
export const TARGETS = ['embedded', 'cluster'] as const;
export type TargetName = (typeof TARGETS)[number];

/** A running service. */
export interface Target {
  url: string;
  databaseUrl: string;
  /** Process ids of the API nodes. */
  pids(): number[];
  stop(): Promise<void>;
}

/** Starts a service in an empty folder. */
export async function startTarget(name: TargetName, folder: string, embedder: string): Promise<Target> {
  await mkdir(folder, { recursive: true });
  // Tasks of the load look at public pages, which say where the service is.
  const variables = { EMBEDDER: embedder };
  if (name === 'cluster') {
    const deployment = await startDeployment({ folder, variables });
    return { ...deployment, pids: deployment.nodePids };
  }
  const dataDir = join(folder, 'data');
  const service = await startServiceProcess(dataDir, { LOG_LEVEL: 'warn', ...variables });
  const databaseUrl = await findEmbedded(dataDir);
  if (!databaseUrl) throw new Error('the database does not respond');
  return { url: service.url, databaseUrl, pids: () => [service.child.pid as number], stop: () => service.stop() };
}
