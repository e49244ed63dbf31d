import { setTimeout as delay } from 'node:timers/promises';
import type { Location } from './location.ts';
import { run } from './processes.ts';

/** A running server. */
export interface Postmaster {
  pid: number;
  port: number;
  /** The folder of its Unix socket; empty when it has none. */
  socketFolder: string;
  isGone(): Promise<boolean>;
  /** Set before this process stops the server: its exit is then expected. */
  isStopping?: true;
}

/** Signals to send one after the other, each with the time to wait for its effect. None of them loses committed data. */
type Steps = [signal: NodeJS.Signals, waitMs: number][];

/** Fast shutdown: ends the sessions and writes a checkpoint. If it hangs: immediate, with recovery at the next start. */
const FAST: Steps = [
  ['SIGINT', 5_000],
  ['SIGQUIT', 1_000],
  ['SIGKILL', 5_000],
];
/** Immediate shutdown, for a server that does not respond. */
const IMMEDIATE: Steps = [
  ['SIGQUIT', 2_000],
  ['SIGKILL', 5_000],
];

/** Stops a server with a fast shutdown, and waits until it is gone. */
export function stop(postmaster: Postmaster, location: Location): Promise<void> {
  return shutDown(postmaster, location, FAST);
}

/** Stops a server that does not respond, and waits until it is gone. */
export function stopUnresponsive(postmaster: Postmaster, location: Location): Promise<void> {
  return shutDown(postmaster, location, IMMEDIATE);
}

async function shutDown(postmaster: Postmaster, location: Location, steps: Steps): Promise<void> {
  postmaster.isStopping = true;
  for (const [signal, waitMs] of steps) {
    if (await postmaster.isGone()) return;
    await send(postmaster.pid, signal, location);
    for (const until = Date.now() + waitMs; Date.now() < until; await delay(10)) {
      if (await postmaster.isGone()) return;
    }
  }
  throw new Error(`PostgreSQL (pid ${postmaster.pid}) on ${location.cluster} could not be stopped.`);
}

async function send(pid: number, signal: NodeJS.Signals, location: Location): Promise<void> {
  if (process.platform === 'win32' && signal !== 'SIGKILL') {
    // On Windows kill() only terminates; pg_ctl uses the server's own signal pipe.
    const mode = signal === 'SIGINT' ? 'fast' : 'immediate';
    await run(location.binaries.pgCtl, ['stop', '-D', location.cluster, '-m', mode, '-W']);
    return;
  }
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
