import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPostmaster } from './processes.ts';

/** Content of `postmaster.pid`, which PostgreSQL writes into its data directory. */
interface PidFile {
  pid: number;
  port: number;
  /** The folder of its Unix socket; empty when it has none. */
  socketFolder: string;
  /** `starting`, `ready`, `stopping` or `standby`. */
  status: string;
}

/** Returns the content of a cluster's pid file, or null when there is none. Its process may be dead. */
export async function readPidFile(cluster: string): Promise<PidFile | null> {
  const lines = (await readFile(pidFileOf(cluster), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  return pid > 0
    ? { pid, port: Number(lines[3]), socketFolder: lines[4]?.trim() ?? '', status: lines[7]?.trim() ?? '' }
    : null;
}

/** Returns the server that runs on a cluster and is ready, or null. Changes nothing. */
export async function findRunning(cluster: string): Promise<PidFile | null> {
  const found = await readPidFile(cluster);
  return found?.status === 'ready' && (await isPostmaster(found.pid, cluster)) ? found : null;
}

/**
 * Removes the pid file of a dead server. PostgreSQL does not start while any process, even a zombie, has the pid in
 * that file; the command line shows whether it is a postmaster. If children of the dead server still ran, PostgreSQL
 * would not start either: it finds their shared memory by the data directory.
 */
export async function removeStalePidFile(cluster: string): Promise<void> {
  const found = await readPidFile(cluster);
  if (found && !(await isPostmaster(found.pid, cluster))) await rm(pidFileOf(cluster), { force: true });
}

function pidFileOf(cluster: string): string {
  return join(cluster, 'postmaster.pid');
}
