import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from './program.ts';

/** The service as a child process with its own embedded database. */
export interface ServiceProcess {
  child: ChildProcess;
  /** Base URL, without a trailing slash. */
  url: string;
  /** Resolves when the process has exited. */
  finished: Promise<unknown>;
  /** Sends SIGTERM and waits for the process to exit. */
  stop(): Promise<void>;
}

/**
 * Starts the service on a data directory and waits until it prints its URL.
 * @throws Error with the output of the process when it exits before it listens
 */
export async function startServiceProcess(
  dataDir: string,
  variables: Record<string, string> = {},
): Promise<ServiceProcess> {
  const { file, execArgv, cwd } = programOf('api/main');
  const child = spawn(process.execPath, [...execArgv, file], {
    cwd,
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const finished = once(child, 'exit');
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const found = / API +(http\S+)\/api\/v1\n/.exec(output)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    void finished.then(() => reject(new Error(`The service did not start:\n${output}`)));
  });
  return {
    child,
    url,
    finished,
    async stop() {
      child.kill('SIGTERM');
      await finished;
    },
  };
}
