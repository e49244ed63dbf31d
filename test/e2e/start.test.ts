import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import { Client } from '../support/client.ts';
import { type MainProcess, processesOf, readCredentials, spawnMain, startMain } from '../support/main-process.ts';
import { copyPreparedDataDir } from '../support/prepared-data-dir.ts';
import { programArguments, spawnScript } from '../support/run-script.ts';

vi.setConfig({ testTimeout: 60_000 });

const KEY = /wm_[a-z0-9]+_[0-9A-Za-z]{32}/;

let dataDir: string;
let started: MainProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-start-'));
  // mkdtemp creates it with 0700, which the database's user could not enter.
  await chmod(dataDir, 0o755);
});
afterEach(async () => {
  for (const service of started) await service.kill();
  started = [];
  if ((await processesOf(dataDir)).length > 0) {
    // A server without its service is adopted, then stopped.
    await (await startEmbedded({ dataDir, log: () => undefined })).stop();
  }
  expect(await processesOf(dataDir)).toEqual([]);
  await rm(dataDir, { recursive: true, force: true });
});

async function start(variables?: Record<string, string>): Promise<MainProcess> {
  const service = await startMain(dataDir, variables);
  started.push(service);
  return service;
}

describe('npm start › first start', () => {
  it('prints its URLs, and stores the key in credentials.json, not in the output', async () => {
    const service = await start();
    const file = join(dataDir, 'credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const credentials = await readCredentials(dataDir);
    expect(credentials).toEqual({ url: service.url, api_key: expect.stringMatching(KEY) });
    // Outside of a terminal every line is one of the log.
    const lines = service.output().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'WhiteMagic is running')).toMatchObject({
      api: `${service.url}/api/v1`,
      mcp: `${service.url}/mcp`,
      reference: `${service.url}/docs`,
      credentials: file,
    });
    expect(service.output()).not.toMatch(KEY);
    expect(service.output()).not.toContain('/login/');

    expect((await service.api.get('/user/me')).body).toMatchObject({ plan: 'enterprise' });
    for (const path of ['/health', '/ready', '/docs', '/openapi.json']) {
      expect([path, (await service.api.get(`${service.url}${path}`)).status]).toEqual([path, 200]);
    }
  });

  it.skipIf(!hasScript())('prints the key at a terminal once, with commands that connect an IDE', async () => {
    const first = await atTerminal();
    const { api_key, url } = await readCredentials(dataDir);
    expect(first).toContain(`Authorization: Bearer ${api_key}`);
    expect(first).toContain(`claude mcp add --scope user --transport http whitemagic ${url}/mcp`);
    const signIn = new RegExp(`${url}/login/[\\w-]{43}`);
    expect(first).toMatch(signIn);
    const second = await atTerminal();
    expect(second).toMatch(/\/login\/[\w-]{43}/);
    expect(second).toContain('/api/v1');
    expect(second).not.toMatch(KEY);
    expect(second).not.toContain('claude mcp add');
    expect((await readCredentials(dataDir)).api_key).toBe(api_key);
  });

  const interruptOnce = async (stage: string) => {
    const { child, finished, output } = spawnMain(dataDir);
    await vi.waitUntil(() => stat(join(dataDir, stage)).catch(() => false), { timeout: 20_000, interval: 5 });
    child.kill('SIGINT');
    const { code, signal } = await finished;
    // Before the service installs its handlers, the signal ends Node: nothing runs yet.
    expect([output(), signal === 'SIGINT' || code === 0]).toEqual([output(), true]);
  };

  it.each(['database', 'database/cluster', 'database/cluster/postmaster.pid', 'credentials.json'])(
    'leaves no database running when it is interrupted once %s exists',
    async (stage) => {
      await interruptOnce(stage);
      expect(await processesOf(dataDir)).toEqual([]);
      if (stage !== 'database/cluster') return;
      // The next start creates the database that was not completed.
      const service = await start();
      expect((await service.api.get('/user/me')).status).toBe(200);
    },
  );
});

describe('npm start › second start', () => {
  beforeEach(() => copyPreparedDataDir(dataDir));

  it('fails while the first runs, which keeps working and signs in by the link of `npm run dashboard`', async () => {
    const service = await start();
    const { code, stderr, stdout } = await spawnMain(dataDir).finished;
    expect(code).toBe(1);
    expect(stderr).toContain(`is in use by process ${service.child.pid}`);
    expect(stderr).toContain('set DATA_DIR to another directory');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).not.toContain('WhiteMagic is running');

    const run = await spawnScript('scripts/dashboard.ts', [], { DATA_DIR: dataDir }).finished;
    expect([run.code, run.stdout.replace(/[\w-]{43}/, 'TOKEN')]).toEqual([0, `${service.url}/login/TOKEN\n`]);
    const pressed = await fetch(run.stdout.trim(), {
      method: 'POST',
      redirect: 'manual',
      headers: { Origin: service.url, 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect([pressed.status, pressed.headers.get('location')]).toEqual([303, '/app']);
    const browser = new Client(service.url, undefined, {
      Cookie: (pressed.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    });
    expect((await browser.get('/user/me')).body.id).toBe((await service.api.get('/user/me')).body.id);
  });

  it('runs beside the first on another data directory', async () => {
    const other = await mkdtemp(join(tmpdir(), 'whitemagic-start-'));
    await copyPreparedDataDir(other);
    const [one, two] = await Promise.all([start(), startMain(other)]);
    expect(one.url).not.toBe(two.url);
    expect((await one.api.get('/user/me')).status).toBe(200);
    expect((await two.api.get('/user/me')).status).toBe(200);
    // A key of one service is unknown to the other.
    expect((await new Client(two.url, one.api.apiKey).get('/user/me')).status).toBe(401);
    await two.stop();
    expect(await processesOf(other)).toEqual([]);
    await rm(other, { recursive: true, force: true });
  });
});

describe('service shutdown', () => {
  beforeEach(() => copyPreparedDataDir(dataDir));

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s completes requests in progress, accepts no new ones, and stops the database; the next start has key and memories',
    async (signal) => {
      const service = await start();
      const before = await readCredentials(dataDir);
      const release = await holdQuota(service);
      const slow = service.api.post('/memories', { title: 'slow', content: 'in progress' });
      await delay(300);
      service.child.kill(signal);
      // A terminal and npm send the signal twice.
      await delay(200);
      service.child.kill(signal);
      await vi.waitFor(() => expect(fetch(`${service.url}/health`)).rejects.toThrow('fetch failed'));
      const released = Date.now();
      await release();
      expect((await slow).status).toBe(201);
      expect(await service.finished).toMatchObject({ code: 0, signal: null });
      // At once, though the client keeps its connection open: the ten seconds are for requests in progress only.
      expect(Date.now() - released).toBeLessThan(2_500);
      expect(service.output()).toContain(`${signal}: draining`);
      expect(service.output()).toContain('stopped');
      expect(await processesOf(dataDir)).toEqual([]);
      const again = await start();
      expect((await readCredentials(dataDir)).api_key).toBe(before.api_key);
      expect((await again.api.get(`/memories/${(await slow).body.id}`)).body).toMatchObject({ content: 'in progress' });
      expect(again.output()).not.toContain('credentials.json');
    },
  );
});

describe('npm start › after SIGKILL', () => {
  beforeEach(() => copyPreparedDataDir(dataDir));

  it.each(['the service', 'the service and its database'])('of %s recovers, with the same key', async (what) => {
    const first = await start();
    const created = await first.api.post('/memories', { title: 'kept', content: 'over a kill' });
    await first.kill();
    const leftover = await processesOf(dataDir);
    expect(leftover.length).toBeGreaterThan(0);
    expect(await findEmbedded(dataDir)).toBeNull();
    if (what !== 'the service') for (const pid of leftover) process.kill(pid, 'SIGKILL');
    const second = await start();
    expect((await second.api.get(`/memories/${created.body.id}`)).body).toMatchObject({ content: 'over a kill' });
    expect((await second.api.post('/memories', { title: 'new', content: 'works' })).status).toBe(201);
    expect((await second.stop()).code).toBe(0);
    expect(await processesOf(dataDir)).toEqual([]);
  });
});

describe('npm start › failure', () => {
  beforeEach(() => copyPreparedDataDir(dataDir));

  it('reports a port in use, and leaves no database running', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { code, stderr } = await spawnMain(dataDir, { PORT: String(port) }).finished;
    expect([code, stderr]).toEqual([
      1,
      `Port ${port} on 127.0.0.1 is in use. Stop the process that uses it, or set PORT to another port.\n`,
    ]);
    expect(await processesOf(dataDir)).toEqual([]);
    server.close();
  });

  it('of `npm run dashboard` says to start the service, or where a remote one signs in', async () => {
    const stopped = await spawnScript('scripts/dashboard.ts', [], { DATA_DIR: dataDir }).finished;
    expect([stopped.code, stopped.stderr]).toEqual([1, 'WhiteMagic is not running. Start it with `npm start`.\n']);
    const remote = {
      DATA_DIR: dataDir,
      DATABASE_URL: 'postgres://x@127.0.0.1/x',
      PUBLIC_URL: 'https://memory.example.com',
    };
    const rejected = await spawnScript('scripts/dashboard.ts', [], remote).finished;
    expect([rejected.code, rejected.stderr]).toEqual([1, expect.stringContaining('https://memory.example.com/login')]);
  });

  it('names every invalid setting', async () => {
    const { code, stderr } = await spawnMain(dataDir, { PORT: 'many', SMTP_URL: 'mail' }).finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Invalid settings:\n {2}PORT: .+\n {2}SMTP_URL: .+\n$/);
  });

  it('reports an unreachable database without its password', async () => {
    const url = 'postgres://user:hunter2@127.0.0.1:1/nothing';
    const { code, stderr, stdout } = await spawnMain(dataDir, { DATABASE_URL: url }).finished;
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr + stdout).not.toContain('hunter2');
  });

  it('stops the database and exits when the credentials cannot be written', async () => {
    // A folder in place of the file.
    await mkdir(join(dataDir, 'credentials.json', 'x'), { recursive: true });
    const { code, stderr } = await spawnMain(dataDir).finished;
    expect([code, stderr]).toEqual([1, expect.stringContaining('credentials.json')]);
    expect(await processesOf(dataDir)).toEqual([]);
    await rm(join(dataDir, 'credentials.json'), { recursive: true });
  });
});

/** Locks the row that a create updates last, so that creates wait. Returns a function that releases it. */
async function holdQuota(service: MainProcess): Promise<() => Promise<void>> {
  await service.api.post('/memories', { title: 'first', content: 'creates the row' });
  const client = new pg.Client((await findEmbedded(dataDir)) as string);
  await client.connect();
  await client.query('begin');
  await client.query('select from quotas for update');
  return async () => {
    await client.query('commit');
    await client.end();
  };
}

/** Runs the service at a terminal until its banner is printed, then presses Ctrl-C. Returns the terminal's output. */
async function atTerminal(): Promise<string> {
  const command = ['exec', process.execPath, ...programArguments('api/main.ts')].join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', DATA_DIR: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const closed = once(child, 'close');
  try {
    await vi.waitFor(() => expect(output).toContain('/docs'), { timeout: 20_000, interval: 50 });
    await delay(200);
    child.stdin.write('\x03');
    await closed;
  } finally {
    // Closes the terminal, which ends a service that did not stop.
    child.kill();
  }
  expect(await processesOf(join(dataDir, 'database'))).toEqual([]);
  return output;
}

function hasScript(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
