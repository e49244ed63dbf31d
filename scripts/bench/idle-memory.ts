import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startServiceProcess } from '../service-process.ts';

/** Resident memory of an idle service without its database, in megabytes per process. */
interface IdleMemory {
  what: string;
  service: number;
  encoder: number;
  together: number;
  /** Limit for a service whose tables exist. */
  'at most': number | '';
}

const READY_WITHIN_MS = 30_000;

/** Starts services on a new database and measures each `settleMs` after it is ready. Needs `ps`. */
export async function measureIdleMemory(databaseUrl: string, settleMs: number): Promise<IdleMemory[]> {
  const run = { databaseUrl, settleMs };
  return [
    await measure('first start, creates the tables', run, 'none', ''),
    await measure('without the encoder', run, 'none', 160),
    await measure('with the encoder', run, 'local', 350),
  ];
}

async function measure(
  what: string,
  { databaseUrl, settleMs }: { databaseUrl: string; settleMs: number },
  embedder: 'none' | 'local',
  atMost: number | '',
): Promise<IdleMemory> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-idle-'));
  const running = await startServiceProcess(dataDir, { DATABASE_URL: databaseUrl, EMBEDDER: embedder });
  try {
    await untilReady(running.url, embedder === 'local');
    await delay(settleMs);
    const pid = running.child.pid as number;
    const [service, encoder] = [await megabytes('-p', pid), await megabytes('--ppid', pid)];
    return { what, service, encoder, together: service + encoder, 'at most': atMost };
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

/** Returns the resident memory of the processes that `ps` finds; 0 if there are none. */
async function megabytes(...which: [option: string, pid: number]): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', ...which.map(String)]).catch(() => ({
    stdout: '',
  }));
  const kilobytes = stdout.split(/\s+/).map(Number);
  return Math.round(kilobytes.reduce((sum, one) => sum + one, 0) / 1024);
}
