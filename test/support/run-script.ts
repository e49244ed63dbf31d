import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const checkout = join(import.meta.dirname, '..', '..');

/** A program of this checkout, run from its source by Node itself: what is killed is the program and no wrapper of it. */
export function spawnScript(
  path: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): { child: ChildProcess; finished: Promise<Finished>; output: () => string } {
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', join(checkout, path), ...args], {
    cwd: checkout,
    // Nothing of the caller's settings: a DATABASE_URL of a developer's shell must not be the one that tests work on.
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const finished = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, finished, output: () => stdout + stderr };
}

/** Runs a program of this checkout to its end. */
export function runScript(
  path: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): Promise<Finished> {
  return spawnScript(path, args, variables).finished;
}
