import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { urlOf } from './cluster.ts';
import type { Place } from './place.ts';
import { cleanEnvironment, isPostmaster, run } from './processes.ts';

/** A running server. */
export interface Postmaster {
  pid: number;
  port: number;
  isGone(): Promise<boolean>;
  /** Set once we end it ourselves: its exit is then no news. */
  ending?: true;
}

/** What the server itself writes into postmaster.pid. */
interface PidFile {
  pid: number;
  port: number;
  status: string;
}

/** How to end a server: each signal, and how long to wait for its effect. Losing the later steps' patience loses no data. */
type Steps = [signal: NodeJS.Signals, waitMs: number][];
/** Fast shutdown: sessions are ended, the data is checkpointed. Then, if that hangs: immediate, with recovery at the next start. */
const ORDERLY: Steps = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 10_000],
  ['SIGKILL', 5_000],
];
const HUNG: Steps = [
  ['SIGQUIT', 2_000],
  ['SIGKILL', 5_000],
];

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  log_checkpoints: 'off',
  // Statistics soon after a bulk of memories came in: until then the planner takes every tenant for an empty one.
  autovacuum_naptime: '10s',
};

const pidFileOf = (place: Place) => join(place.cluster, 'postmaster.pid');
const logFileOf = (place: Place) => join(place.home, 'server.log');

/** The server that runs on this cluster and says it is ready, or null. Looks only. */
export async function findRunning(cluster: string): Promise<{ pid: number; port: number } | null> {
  const found = await readPidFile(join(cluster, 'postmaster.pid'));
  return found?.status === 'ready' && (await isPostmaster(found.pid, cluster)) ? found : null;
}

/** Whether a database answers a query at this URL within two seconds. */
export async function acceptsQueries(url: string): Promise<boolean> {
  return query(url).then(
    () => true,
    () => false,
  );
}

/**
 * Takes over the server that a killed process left running on this cluster: waits while it starts or stops, ends it if
 * it does not answer. Null if none is left running.
 */
export async function adopt(place: Place, log: (message: string) => void): Promise<Postmaster | null> {
  const patienceMs: Record<string, number> = { ready: 3_000, stopping: 30_000 };
  let since = { status: '', at: Date.now() };
  for (;;) {
    const found = await readPidFile(pidFileOf(place));
    if (!found || !(await isPostmaster(found.pid, place.cluster))) return null;
    if (found.status !== since.status) since = { status: found.status, at: Date.now() };
    const isGone = async () => !(await isPostmaster(found.pid, place.cluster));
    if (found.status === 'ready' && (await acceptsQueries(await urlOf(place.home, found.port))))
      return { ...found, isGone };
    if (Date.now() - since.at > (patienceMs[found.status] ?? 60_000)) {
      log(`A PostgreSQL left over from before (pid ${found.pid}) does not answer: stopping it.`);
      await end({ ...found, isGone }, place, HUNG);
      return null;
    }
    await delay(50);
  }
}

/** Starts a server on a free port and waits until it answers. Throws with the end of its log if it dies instead. */
export async function launch(
  place: Place,
  log: (message: string) => void,
  choosePort: () => Promise<number> = freePort,
): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    await removeStalePidFile(place);
    const port = await choosePort();
    const child = await spawnServer(place, port);
    const postmaster: Postmaster = { pid: child.pid ?? 0, port, isGone: async () => hasEnded(child) };
    if (await becomesReady(child, place)) {
      await query(await urlOf(place.home, port)).catch((error) => failAfterEnd(error, postmaster, place));
      child.once('exit', (code, signal) => {
        if (!postmaster.ending)
          log(`PostgreSQL has ended by itself (${signal ?? `exit code ${code}`}): see ${logFileOf(place)}.`);
      });
      return postmaster;
    }
    const tail = await logTail(place);
    // The port went to somebody else between our asking and its binding; or a killed server's children are still there.
    const passing = /could not bind|could not create any TCP\/IP sockets|shared memory block .* is still in use/s;
    if (attempt === 20 || !passing.test(tail))
      throw new Error(`PostgreSQL did not start on ${place.cluster}:\n${tail}`);
    await delay(25 * attempt);
  }
}

/** Stops a server and waits until it is gone. */
export async function stop(postmaster: Postmaster, place: Place): Promise<void> {
  await end(postmaster, place, ORDERLY);
}

async function end(postmaster: Postmaster, place: Place, steps: Steps): Promise<void> {
  postmaster.ending = true;
  for (const [signal, waitMs] of steps) {
    if (await postmaster.isGone()) return;
    await send(postmaster.pid, signal, place);
    for (const until = Date.now() + waitMs; Date.now() < until; await delay(10)) {
      if (await postmaster.isGone()) return;
    }
  }
  throw new Error(`PostgreSQL (pid ${postmaster.pid}) on ${place.cluster} could not be stopped.`);
}

async function send(pid: number, signal: NodeJS.Signals, place: Place): Promise<void> {
  if (process.platform === 'win32' && signal !== 'SIGKILL') {
    // There kill() would only ever terminate; pg_ctl speaks to the server's own signal pipe.
    const mode = signal === 'SIGINT' ? 'fast' : 'immediate';
    await run(place.binaries.pgCtl, ['stop', '-D', place.cluster, '-m', mode, '-W']);
    return;
  }
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function failAfterEnd(error: unknown, postmaster: Postmaster, place: Place): Promise<never> {
  await end(postmaster, place, ORDERLY);
  throw new Error(`PostgreSQL started on ${place.cluster} but refused our connection.`, { cause: error });
}

/**
 * PostgreSQL itself refuses to start while the pid in a stale file lives, whoever has that pid by now (or a zombie).
 * We know better by the command line. If children of a dead server were still at work, the shared memory they hold,
 * which PostgreSQL finds by the folder and not by this file, still stops the start.
 */
async function removeStalePidFile(place: Place): Promise<void> {
  const found = await readPidFile(pidFileOf(place));
  if (found && !(await isPostmaster(found.pid, place.cluster))) await rm(pidFileOf(place), { force: true });
}

async function readPidFile(file: string): Promise<PidFile | null> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, port: Number(lines[3]), status: lines[7]?.trim() ?? '' } : null;
}

async function spawnServer(place: Place, port: number): Promise<ChildProcess> {
  // We open the log, in a folder of ours: the server's user never decides which file root truncates.
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
  const output = await open(logFileOf(place), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
  const settings = Object.entries({ ...SETTINGS, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const child = spawn(place.binaries.postgres, ['-D', place.cluster, ...settings], {
    ...cleanEnvironment(),
    ...place.account,
    cwd: '/',
    // A process group of its own: Ctrl-C in the terminal is for the service, which still needs the database to drain.
    detached: true,
    windowsHide: true,
    // A file, not a pipe: the server must outlive us undisturbed.
    stdio: ['ignore', output.fd, output.fd],
  });
  child.unref();
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject)).finally(() =>
    output.close(),
  );
  return child;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/**
 * True when the server has said so in its pid file, false when it died. Asking the file and not the port means that we
 * never offer our password to a stranger who got the port first. However long recovery after a crash takes, we wait.
 */
async function becomesReady(child: ChildProcess, place: Place): Promise<boolean> {
  while (!hasEnded(child)) {
    const found = await readPidFile(pidFileOf(place));
    if (found?.pid === child.pid && found?.status === 'ready') return true;
    await delay(5);
  }
  return false;
}

async function query(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  // A server that goes away in the middle is an error of the query, not of the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    // Not awaited: a hung server would never say goodbye.
    void client.end().catch(() => {});
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function logTail(place: Place): Promise<string> {
  const text = await readFile(logFileOf(place), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-20).join('\n');
}
