import { readFile, realpath } from 'node:fs/promises';
import { clusterOf, homeOf } from '../../db/embedded/place.ts';
import { findRunning } from '../../db/embedded/postmaster.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { type ServiceProcess, startServiceProcess } from '../service-process.ts';

/** A service process on an embedded database, made to be killed. */
export interface KillableService {
  /** Starts the service, also after a kill, and waits until it listens. Returns its URL. */
  start(): Promise<string>;
  /** Kills the service with SIGKILL; its database keeps running. */
  kill(): Promise<void>;
  /** Kills PostgreSQL with SIGKILL, the postmaster and its children at once. */
  killDatabase(): Promise<void>;
  /** Returns the URL of the running service's database, for the role that owns the tables. */
  databaseUrl(): Promise<string>;
  /** Shuts down the service and its database, if they still run. */
  stop(): Promise<void>;
}

/** Prepares a service on a data directory that is not in use. `variables` are its only settings. */
export function killableService(dataDir: string, variables: Record<string, string>): KillableService {
  let service: ServiceProcess | undefined;
  const running = async () => findRunning(clusterOf(await homeOf(await realpath(dataDir))));
  return {
    async start() {
      service = await startServiceProcess(dataDir, { JOBS: 'off', LOG_LEVEL: 'error', ...variables });
      return service.url;
    },
    async kill() {
      await service?.stop('SIGKILL');
    },
    async killDatabase() {
      const postmaster = await running();
      if (!postmaster) throw new Error('No database is running.');
      for (const pid of [postmaster.pid, ...(await childrenOf(postmaster.pid))]) killNow(pid);
    },
    async databaseUrl() {
      const url = await findEmbedded(dataDir);
      if (!url) throw new Error('The database accepts no connections.');
      return url;
    },
    async stop() {
      await service?.stop();
      if (await running().catch(() => null)) await (await startEmbedded({ dataDir, log: () => undefined })).stop();
    },
  };
}

/** Returns none where there is no /proc: the children of a dead postmaster exit by themselves. */
async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return list.trim().split(' ').filter(Boolean).map(Number);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
