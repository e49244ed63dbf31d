import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Location } from './location.ts';
import { cleanEnvironment } from './processes.ts';
import { writeAccessFile } from './unix-socket.ts';

/**
 * Returns the size of PostgreSQL's cache: an eighth of the memory that this process may use, from 128 to 512 MB. Pages beyond are read
 * from the system's cache, each with its checksum, for a tenth of the processor time of a search of a large account.
 */
export function cacheSizeMb(memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity)): number {
  return Math.max(128, Math.min(512, Math.floor(memoryBytes / 8 / 2 ** 20)));
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_permissions: '0700',
  max_connections: '200',
  shared_buffers: `${cacheSizeMb()}MB`,
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  log_checkpoints: 'off',
  // Statistics soon after a bulk insert of memories: until then the planner takes every tenant for an empty one.
  autovacuum_naptime: '10s',
};

/** Returns the path of the server's log since its last start. */
export function logFileOf(location: Location): string {
  return join(location.home, 'server.log');
}

/** Returns the last 20 lines of the server's log. */
export async function readLogTail(location: Location): Promise<string> {
  const text = await readFile(logFileOf(location), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-20).join('\n');
}

/**
 * Spawns the server on a port. It outlives this process, and writes to its log.
 * @param socketFolder the folder of its Unix socket; empty for none
 */
export async function spawnServer(location: Location, port: number, socketFolder: string): Promise<ChildProcess> {
  // This process opens the log, in a folder of its own: the server's user must not choose which file root truncates.
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
  const output = await open(logFileOf(location), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
  const settings = {
    ...SETTINGS,
    port: String(port),
    unix_socket_directories: socketFolder,
    hba_file: await writeAccessFile(location),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(location.binaries.postgres, ['-D', location.cluster, ...options], {
    ...cleanEnvironment(),
    ...location.account,
    cwd: '/',
    // In a process group of its own: Ctrl-C in a terminal is for the service, which needs the database to shut down.
    detached: true,
    windowsHide: true,
    // A file, not a pipe: the server must survive the end of this process.
    stdio: ['ignore', output.fd, output.fd],
  });
  child.unref();
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject)).finally(() =>
    output.close(),
  );
  return child;
}
