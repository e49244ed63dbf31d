import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Suspends a PostgreSQL server with all of its processes (SIGSTOP), as a hanging machine does: its connections stay open, and new ones
 * are accepted by the operating system, but nothing responds. Linux only.
 * @param directory PostgreSQL's data directory
 * @returns a function that lets it continue, once
 */
export async function suspendPostgres(directory: string): Promise<() => void> {
  const postmaster = Number((await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(postmaster, 'SIGSTOP');
  const pids = [postmaster, ...(await childrenOf(postmaster))];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids.splice(0)) process.kill(pid, 'SIGCONT');
  };
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // The name of the process, in parentheses, may contain spaces.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    }),
  );
  return pids.filter((_, index) => parents[index] === parent).map(Number);
}
