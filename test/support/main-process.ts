import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from './client.ts';
import { type Finished, spawnScript } from './run-script.ts';

/** The service in a child process with an embedded database, like `npm start`. */
export interface MainProcess {
  child: ChildProcess;
  url: string;
  /** A client with the key of the local owner. */
  api: Client;
  output(): string;
  finished: Promise<Finished>;
  /** Sends a signal and waits until the process exits. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
  /** Kills it with SIGKILL. Its database keeps running. */
  kill(): Promise<void>;
}

/** Starts the service on a data directory and waits until it listens. @throws Error with its output when it exits instead */
export async function startMain(dataDir: string, variables: Record<string, string> = {}): Promise<MainProcess> {
  const { child, finished, output } = spawnMain(dataDir, variables);
  let ended = false;
  void finished.then(() => {
    ended = true;
  });
  let url: string | undefined;
  while (!url) {
    if (ended) throw new Error(`the service did not start:\n${output()}`);
    await delay(20);
    url = /"api":"(http[^"]+)\/api\/v1"/.exec(output())?.[1];
  }
  const credentials = await readCredentials(dataDir);
  return {
    child,
    url,
    api: new Client(url, credentials.api_key),
    output,
    finished,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return finished;
    },
    async kill() {
      child.kill('SIGKILL');
      await finished;
    },
  };
}

/** Starts the service without waiting until it listens. */
export function spawnMain(dataDir: string, variables: Record<string, string> = {}) {
  return spawnScript('api/main.ts', [], { PORT: '0', DATA_DIR: dataDir, ...variables });
}

export async function readCredentials(dataDir: string): Promise<{ url: string; api_key: string }> {
  return JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
}

/** Returns the pids of processes whose command line contains a folder, such as the servers started on it. Linux only. */
export async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(folder)) found.push(pid);
  }
  return found;
}
