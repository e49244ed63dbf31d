import { readFile } from 'node:fs/promises';

/** Returns the children of a process; none on systems without /proc. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return list.trim().split(' ').filter(Boolean).map(Number);
}

/** Returns the command line of a process, empty when it has ended. */
export function commandLineOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

/** Sends a signal to processes. Those that have ended are skipped. */
export function sendSignal(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Suspends processes, which then respond to nothing. Returns a function that lets them continue. */
export function suspend(pids: readonly number[]): () => void {
  sendSignal(pids, 'SIGSTOP');
  return () => sendSignal(pids, 'SIGCONT');
}
