import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startServiceProcess } from '../service-process.ts';

/** Start of a service and its resident memory when idle, in megabytes per process, without its database. */
interface IdleService {
  what: string;
  /** From the start of the process to its first response. */
  'start ms': number;
  /** Processor time of the process until then; on Linux. */
  'start CPU ms': number | '';
  service: number;
  encoder: number;
  together: number;
  /** Limit for a service whose tables exist. */
  'at most': number | '';
}

const READY_WITHIN_MS = 30_000;

/** Starts services on a new database and measures each `settleMs` after it is ready. Needs `ps`. */
export async function measureIdleMemory(databaseUrl: string, settleMs: number): Promise<IdleService[]> {
  const run = { databaseUrl, settleMs };
  return [
    await measure('first start, creates the tables', run, 'none', ''),
    await measure('without the encoder', run, 'none', 150),
    await measure('with the encoder', run, 'local', 340),
  ];
}

async function measure(
  what: string,
  { databaseUrl, settleMs }: { databaseUrl: string; settleMs: number },
  embedder: 'none' | 'local',
  atMost: number | '',
): Promise<IdleService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-idle-'));
  const started = performance.now();
  const running = await startServiceProcess(dataDir, { DATABASE_URL: databaseUrl, EMBEDDER: embedder });
  try {
    await fetch(`${running.url}/health`);
    const start = {
      'start ms': Math.round(performance.now() - started),
      'start CPU ms': await cpuOf(running.child.pid),
    };
    await untilReady(running.url, embedder === 'local');
    await delay(settleMs);
    const pid = running.child.pid as number;
    const [service, encoder] = [await megabytes('-p', pid), await megabytes('--ppid', pid)];
    return { what, ...start, service, encoder, together: service + encoder, 'at most': atMost };
  } finally {
    await running.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function untilReady(url: string, isEncoding: boolean): Promise<void> {
  for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; await delay(100)) {
    const { search } = (await (await fetch(`${url}/ready`)).json()) as { search: { semantic: string } };
    if (!isEncoding || search.semantic === 'ready') return;
  }
  throw new Error('the encoder was not ready in time');
}

/** Returns the processor time of a process in milliseconds, see proc_pid_stat(5); "" where there is no /proc. */
async function cpuOf(pid: number | undefined): Promise<number | ''> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return '';
  // The name of the program, in parentheses, may contain spaces. Times are in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Returns the resident memory of the processes that `ps` finds; 0 if there are none. */
async function megabytes(...which: [option: string, pid: number]): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', ...which.map(String)]).catch(() => ({
    stdout: '',
  }));
  const kilobytes = stdout.split(/\s+/).map(Number);
  return Math.round(kilobytes.reduce((sum, one) => sum + one, 0) / 1024);
}
