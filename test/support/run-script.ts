import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { inject } from 'vitest';

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const checkout = join(import.meta.dirname, '..', '..');

/**
 * Returns the arguments with which Node runs a program of this checkout, given by the path of its source: the compiled
 * file when `dist/` is up to date, which starts a second sooner, else the source by way of tsx.
 */
export function programArguments(path: string): string[] {
  if (inject('isBuilt')) return [join(checkout, 'dist', path.replace(/\.ts$/, '.js'))];
  return ['--import', import.meta.resolve('tsx'), join(checkout, path)];
}

/** Starts a program of this checkout directly under Node, without a wrapper: a signal reaches the program itself. */
export function spawnScript(
  path: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): { child: ChildProcess; finished: Promise<Finished>; output: () => string } {
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  const child = spawn(process.execPath, [...programArguments(path), ...args], {
    cwd: checkout,
    // No settings of the developer's shell: tests must never work on its DATABASE_URL.
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

/** Runs a program of this checkout until it exits. */
export function runScript(
  path: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): Promise<Finished> {
  return spawnScript(path, args, variables).finished;
}
