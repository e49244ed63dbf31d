import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from './program.ts';

/** The service as a child process. */
export interface ServiceProcess {
  child: ChildProcess;
  /** Base URL, without a trailing slash. */
  url: string;
  /** Resolves when the process has exited. */
  finished: Promise<unknown>;
  /** Sends a signal, SIGTERM by default, and waits for the process to exit. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const OUTPUT_CHARS_MAX = 10_000;

/**
 * Starts the service on a data directory, with an embedded database unless `DATABASE_URL` is given, and waits until it
 * listens. It gets only the given settings: a DATABASE_URL of the caller's shell must not decide where a script writes.
 *
 * With `showErrors`, its log and errors on stderr are shown too.
 *
 * @throws Error with its output if the service exits before it listens
 */
export async function startServiceProcess(
  dataDir: string,
  variables: Record<string, string> = {},
  { showErrors = false } = {},
): Promise<ServiceProcess> {
  const { file, execArgv, cwd } = programOf('api/main');
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  const child = spawn(process.execPath, [...execArgv, file], {
    cwd,
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), PORT: '0', DATA_DIR: dataDir, ...variables },
    stdio: ['ignore', 'pipe', showErrors ? 'inherit' : 'pipe'],
  });
  const finished = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-OUTPUT_CHARS_MAX);
        const found = /"api":"(http[^"]+)\/api\/v1"/.exec(output)?.[1];
        if (found) resolve(found);
      });
    }
    finished.then(() => reject(new Error(`The service did not start:\n${output}`)), reject);
  });
  return {
    child,
    url,
    finished,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await finished;
    },
  };
}
