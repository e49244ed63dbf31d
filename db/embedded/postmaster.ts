import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { urlOf } from './cluster.ts';
import { freePort } from './free-port.ts';
import type { Location } from './location.ts';
import { readPidFile, removeStalePidFile } from './pid-file.ts';
import { isPostmaster } from './processes.ts';
import { logFileOf, readLogTail, spawnServer } from './server-process.ts';
import { type Postmaster, stop, stopUnresponsive } from './shutdown.ts';
import { removeStaleSockets, SOCKET_FAILURE, socketFolderOf } from './unix-socket.ts';

const LAUNCH_ATTEMPTS_MAX = 20;
/** How long a server that was left running may stay in a status before it counts as unresponsive. */
const STATUS_TIMEOUT_MS: Record<string, number> = { ready: 3_000, stopping: 30_000 };
const OTHER_STATUS_TIMEOUT_MS = 60_000;
/** The port was taken before the server bound it, or children of a killed server still run. */
const TRANSIENT_FAILURE = /could not bind|could not create any TCP\/IP sockets|shared memory block .* is still in use/s;

/** Returns true when a database responds to a query at this URL within two seconds. */
export async function acceptsQueries(url: string): Promise<boolean> {
  return query(url).then(
    () => true,
    () => false,
  );
}

/**
 * Takes over the server that a killed process left running on a cluster: waits while it starts or stops, and stops it
 * when it does not respond. Returns null when none is left running.
 */
export async function adopt(location: Location, log: (message: string) => void): Promise<Postmaster | null> {
  let since = { status: '', at: Date.now() };
  for (;;) {
    const found = await readPidFile(location.cluster);
    if (!found || !(await isPostmaster(found.pid, location.cluster))) return null;
    if (found.status !== since.status) since = { status: found.status, at: Date.now() };
    const isGone = async () => !(await isPostmaster(found.pid, location.cluster));
    if (found.status === 'ready' && (await acceptsQueries(await urlOf(location.home, found))))
      return { ...found, isGone };
    if (Date.now() - since.at > (STATUS_TIMEOUT_MS[found.status] ?? OTHER_STATUS_TIMEOUT_MS)) {
      log(`A PostgreSQL server from an earlier start (pid ${found.pid}) does not respond: stopping it.`);
      await stopUnresponsive({ ...found, isGone }, location);
      return null;
    }
    await delay(50);
  }
}

/**
 * Starts a server on a free port and waits until it responds.
 * @throws Error with the end of the server's log when it exits instead
 */
export async function launch(
  location: Location,
  log: (message: string) => void,
  choosePort: () => Promise<number> = freePort,
): Promise<Postmaster> {
  let socketFolder = socketFolderOf(location);
  for (let attempt = 1; ; attempt++) {
    await removeStalePidFile(location.cluster);
    await removeStaleSockets(location);
    const port = await choosePort();
    const child = await spawnServer(location, port, socketFolder);
    const postmaster: Postmaster = { pid: child.pid ?? 0, port, socketFolder, isGone: async () => hasExited(child) };
    if (await becomesReady(child, location)) {
      await query(await urlOf(location.home, postmaster)).catch(async (error) => {
        await stop(postmaster, location);
        throw new Error(`PostgreSQL started on ${location.cluster} but rejected the connection.`, { cause: error });
      });
      child.once('exit', (code, signal) => {
        if (postmaster.isStopping) return;
        log(`PostgreSQL exited unexpectedly (${signal ?? `exit code ${code}`}): see ${logFileOf(location)}.`);
      });
      return postmaster;
    }
    const tail = await readLogTail(location);
    if (socketFolder && SOCKET_FAILURE.test(tail)) {
      log(`PostgreSQL cannot open a Unix socket in ${socketFolder}: the service connects to it over TCP.`);
      socketFolder = '';
      continue;
    }
    if (attempt === LAUNCH_ATTEMPTS_MAX || !TRANSIENT_FAILURE.test(tail))
      throw new Error(`PostgreSQL did not start on ${location.cluster}:\n${tail}`);
    await delay(25 * attempt);
  }
}

/**
 * Returns true when the server reports `ready` in its pid file, false when it exited. Reading the file instead of
 * connecting never sends the password to another process that got the port first. There is no time limit: recovery after
 * a crash may take long.
 */
async function becomesReady(child: ChildProcess, location: Location): Promise<boolean> {
  while (!hasExited(child)) {
    const found = await readPidFile(location.cluster);
    if (found?.pid === child.pid && found?.status === 'ready') return true;
    await delay(5);
  }
  return false;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function query(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  // A server that disappears meanwhile fails the query, not the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    // Not awaited: a hung server never closes the connection.
    void client.end().catch(() => {});
  }
}
