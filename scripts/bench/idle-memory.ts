import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { programOf } from '../program.ts';

/** What runs when nothing is asked, without the database: megabytes of each process. */
export interface IdleMemory {
  what: string;
  service: number;
  encoder: number;
  together: number;
  /** Settled beforehand, for a service that finds its tables. */
  'at most': number | '';
}

const SETTLED_MS = 6_000;
const READY_WITHIN_MS = 30_000;

/** Starts services on a new database, and weighs each once it is ready. `ps` must be there. */
export async function measureIdleMemory(databaseUrl: string): Promise<IdleMemory[]> {
  return [
    await weigh('a first start, which makes the tables', databaseUrl, 'none', ''),
    await weigh('without the encoder', databaseUrl, 'none', 160),
    await weigh('with it', databaseUrl, 'local', 350),
  ];
}

async function weigh(
  what: string,
  databaseUrl: string,
  embedder: 'none' | 'local',
  atMost: number | '',
): Promise<IdleMemory> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-idle-'));
  const { file, execArgv, cwd } = programOf('api/main');
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: databaseUrl, DATA_DIR: dataDir, PORT: '0', EMBEDDER: embedder };
  const child = spawn(process.execPath, [...execArgv, file], { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await untilReady(await addressOf(child.stdout), embedder === 'local');
    await delay(SETTLED_MS);
    const pid = child.pid as number;
    const [service, encoder] = [await megabytes('-p', pid), await megabytes('--ppid', pid)];
    return { what, service, encoder, together: service + encoder, 'at most': atMost };
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function addressOf(output: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const piece of output) {
    text += piece;
    const url = / API +(http\S+)\/api\/v1\n/.exec(text)?.[1];
    if (url) return url;
  }
  throw new Error(`the service did not start:\n${text}`);
}

async function untilReady(url: string, isEncoding: boolean): Promise<void> {
  for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; await delay(100)) {
    const { search } = (await (await fetch(`${url}/ready`)).json()) as { search: { semantic: string } };
    if (!isEncoding || search.semantic === 'ready') return;
  }
  throw new Error('the encoder was not ready in time');
}

/** Resident memory of the processes that `ps` finds; 0 where there are none. */
async function megabytes(...which: [option: string, pid: number]): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', ...which.map(String)]).catch(() => ({
    stdout: '',
  }));
  const kilobytes = stdout.split(/\s+/).map(Number);
  return Math.round(kilobytes.reduce((sum, one) => sum + one, 0) / 1024);
}
