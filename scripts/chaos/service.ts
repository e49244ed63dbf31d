import { realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { clusterOf, homeOf } from '../../db/embedded/location.ts';
import { findRunning } from '../../db/embedded/pid-file.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { type ServiceProcess, startServiceProcess } from '../service-process.ts';
import { childrenOf, commandLineOf, sendSignal, suspend } from './processes.ts';

/** A service in a child process on an embedded database, to be killed and restarted. */
export interface KillableService {
  /** Starts the service, also after a kill, and waits until it listens. Returns its URL. */
  start(): Promise<string>;
  /** Kills the service with SIGKILL. Its database keeps running. */
  kill(): Promise<void>;
  /** Kills the postmaster and its children with SIGKILL, all at once. */
  killDatabase(): Promise<void>;
  /** Suspends PostgreSQL with all of its processes. Returns a function that lets it continue. */
  suspendDatabase(): Promise<() => void>;
  /** Kills the process that embeds memories. */
  killEncoder(): Promise<void>;
  /** Suspends the process that embeds memories. Returns a function that lets it continue. */
  suspendEncoder(): Promise<() => void>;
  /** Returns the URL of the running database, for the role that owns the tables. */
  databaseUrl(): Promise<string>;
  /** Shuts down the service and its database. */
  stop(): Promise<void>;
}

/** Part of the command line of the process that embeds memories. */
const ENCODER = 'encoder-process';
/** Longer than the pause before a restart. */
const ENCODER_RESTART_MS = 60_000;

/** Prepares a service on a data directory that no other process uses. It gets only the settings in `variables`. */
export function killableService(dataDir: string, variables: Record<string, string>): KillableService {
  let service: ServiceProcess | undefined;
  const findPostmaster = async () => findRunning(clusterOf(await homeOf(await realpath(dataDir))));
  const databasePids = async () => {
    const postmaster = await findPostmaster();
    if (!postmaster) throw new Error('the database is not running');
    return [postmaster.pid, ...(await childrenOf(postmaster.pid))];
  };
  /** Waits while the encoder is being restarted. */
  const encoderPids = async () => {
    for (const until = performance.now() + ENCODER_RESTART_MS; ; await delay(50)) {
      const pids = await childrenOf(service?.child.pid ?? 0);
      const commands = await Promise.all(pids.map(commandLineOf));
      const encoders = pids.filter((_, index) => commands[index]?.includes(ENCODER));
      if (encoders.length > 0) return encoders;
      if (performance.now() > until) throw new Error('the encoder is not running');
    }
  };
  return {
    async start() {
      service = await startServiceProcess(dataDir, { JOBS: 'off', LOG_LEVEL: 'error', ...variables });
      return service.url;
    },
    async kill() {
      await service?.stop('SIGKILL');
    },
    async killDatabase() {
      sendSignal(await databasePids(), 'SIGKILL');
    },
    suspendDatabase: async () => suspend(await databasePids()),
    killEncoder: async () => sendSignal(await encoderPids(), 'SIGKILL'),
    suspendEncoder: async () => suspend(await encoderPids()),
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
