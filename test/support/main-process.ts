import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from './client.ts';
import { type Finished, spawnScript } from './run-script.ts';

/** The service as a process of its own, with its own embedded database: what `npm start` becomes. */
export interface MainProcess {
  child: ChildProcess;
  url: string;
  /** A client with the key of the local owner. */
  api: Client;
  output(): string;
  finished: Promise<Finished>;
  /** Asks it to stop and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
  /** Ends it at once, as a power cut would; its database stays. */
  kill(): Promise<void>;
}

/** Starts the service on a data directory and waits until it says where it is. Throws with its output when it ends instead. */
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
    url = / API +(http\S+)\/api\/v1\n/.exec(output())?.[1];
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

/** The same without waiting for anything. */
export function spawnMain(dataDir: string, variables: Record<string, string> = {}) {
  return spawnScript('api/main.ts', [], { PORT: '0', DATA_DIR: dataDir, ...variables });
}

export async function readCredentials(dataDir: string): Promise<{ url: string; api_key: string }> {
  return JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
}

/** Pids of the processes whose command line names a folder: the servers that were started on it. Linux only. */
export async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(folder)) found.push(pid);
  }
  return found;
}
