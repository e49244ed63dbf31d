import { readFile, realpath } from 'node:fs/promises';
import { clusterOf, homeOf } from '../../db/embedded/location.ts';
import { findRunning } from '../../db/embedded/pid-file.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { type ServiceProcess, startServiceProcess } from '../service-process.ts';

/** A service in a child process on an embedded database, to be killed and restarted. */
interface KillableService {
  /** Starts the service, also after a kill, and waits until it listens. Returns its URL. */
  start(): Promise<string>;
  /** Kills the service with SIGKILL. Its database keeps running. */
  kill(): Promise<void>;
  /** Kills the postmaster and its children with SIGKILL, all at once. */
  killDatabase(): Promise<void>;
  /** Returns the URL of the running database, for the role that owns the tables. */
  databaseUrl(): Promise<string>;
  /** Shuts down the service and its database. */
  stop(): Promise<void>;
}

/** Prepares a service on a data directory that no other process uses. It gets only the settings in `variables`. */
export function killableService(dataDir: string, variables: Record<string, string>): KillableService {
  let service: ServiceProcess | undefined;
  const findPostmaster = async () => findRunning(clusterOf(await homeOf(await realpath(dataDir))));
  return {
    async start() {
      service = await startServiceProcess(dataDir, { JOBS: 'off', LOG_LEVEL: 'error', ...variables });
      return service.url;
    },
    async kill() {
      await service?.stop('SIGKILL');
    },
    async killDatabase() {
      const postmaster = await findPostmaster();
      if (!postmaster) throw new Error('the database is not running');
      for (const pid of [postmaster.pid, ...(await childrenOf(postmaster.pid))]) killNow(pid);
    },
    async databaseUrl() {
      const url = await findEmbedded(dataDir);
      if (!url) throw new Error('the database does not respond');
      return url;
    },
    async stop() {
      await service?.stop();
      if (await findPostmaster().catch(() => null)) {
        await (await startEmbedded({ dataDir, log: () => undefined })).stop();
      }
    },
  };
}

/** Returns none on systems without /proc: the children of a killed postmaster exit by themselves. */
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
