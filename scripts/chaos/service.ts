import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { clusterOf, homeOf } from '../../db/embedded/place.ts';
import { findRunning } from '../../db/embedded/postmaster.ts';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { programOf } from '../program.ts';

/** A service in a process of its own on an embedded database, made to be killed. */
export interface KillableService {
  /** Starts it, again after a kill, and waits until it listens. Answers its address. */
  start(): Promise<string>;
  /** `kill -9` of the service; its database goes on. */
  kill(): Promise<void>;
  /** `kill -9` of PostgreSQL, the postmaster and its children at once. */
  killDatabase(): Promise<void>;
  /** URL of the running service's database, of the role that owns the tables. */
  databaseUrl(): Promise<string>;
  /** Ends in order what is left of it. */
  stop(): Promise<void>;
}

/** A service on a data directory, which nothing runs on. `variables` are its settings; it gets no others. */
export function killableService(dataDir: string, variables: Record<string, string>): KillableService {
  let child: ChildProcess | undefined;
  const running = async () => findRunning(clusterOf(await homeOf(await realpath(dataDir))));
  return {
    async start() {
      child = startProgram({ DATA_DIR: dataDir, PORT: '0', JOBS: 'off', LOG_LEVEL: 'error', ...variables });
      return untilListening(child);
    },
    async kill() {
      await end(child, 'SIGKILL');
    },
    async killDatabase() {
      const postmaster = await running();
      if (!postmaster) throw new Error('there is no database to kill');
      for (const pid of [postmaster.pid, ...(await childrenOf(postmaster.pid))]) killNow(pid);
    },
    async databaseUrl() {
      const url = await findEmbedded(dataDir);
      if (!url) throw new Error('the database does not answer');
      return url;
    },
    async stop() {
      await end(child, 'SIGTERM');
      if (await running().catch(() => null)) await (await startEmbedded({ dataDir, log: () => undefined })).stop();
    },
  };
}

function startProgram(variables: Record<string, string>): ChildProcess {
  const { file, execArgv, cwd } = programOf('api/main');
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  return spawn(process.execPath, [...execArgv, file], {
    cwd,
    // Nothing of the caller's settings: a DATABASE_URL must not lead the killing to somebody's own data.
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits until a service says where it is. Throws with its output when it ends instead. */
async function untilListening(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-10_000);
    });
  }
  for (;;) {
    const url = / API +(http\S+)\/api\/v1\n/.exec(output)?.[1];
    if (url) return url;
    if (hasEnded(child)) throw new Error(`the service did not start:\n${output}`);
    await delay(10);
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Where the system does not tell, none: children of a lost postmaster end by themselves. */
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
