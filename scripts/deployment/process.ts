import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process of a deployment. */
export interface DeployedProcess {
  child: ChildProcess;
  /** Sends a signal, SIGTERM by default, and waits for the process to exit. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

interface ProcessOptions {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All environment variables, besides PATH and HOME. */
  variables?: Record<string, string>;
  /** File that its output is appended to. */
  logFile: string;
  /** URL that responds with 200 once the process is ready. */
  readyUrl: string;
}

/** Time for a process to become ready. */
const START_MS = 180_000;

/**
 * Starts a process and waits until it is ready.
 * @throws Error that names the file with its output, when it exits before or takes longer than three minutes
 */
export async function startProcess(options: ProcessOptions): Promise<DeployedProcess> {
  const { command, args, cwd, variables, logFile, readyUrl } = options;
  const { PATH = '', HOME = '' } = process.env;
  const output = openSync(logFile, 'a');
  const child = spawn(command, args, { cwd, env: { PATH, HOME, ...variables }, stdio: ['ignore', output, output] });
  const exited = once(child, 'exit');
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await exited;
  };
  for (const until = performance.now() + START_MS; ; await delay(50)) {
    if (child.exitCode !== null) throw new Error(`${command} exited with ${child.exitCode}: see ${logFile}`);
    const response = await fetch(readyUrl).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return { child, stop };
    if (performance.now() > until) {
      await stop('SIGKILL');
      throw new Error(`${command} is not ready after ${START_MS / 1000} s: see ${logFile}`);
    }
  }
}
