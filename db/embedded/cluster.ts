import { randomBytes, randomUUID } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { retry } from '../client/retry.ts';
import type { Location } from './location.ts';
import { run } from './processes.ts';
import type { Postmaster } from './shutdown.ts';

const ROLE = 'whitemagic';
const DATABASE = 'whitemagic';

/*
 * Character types to try, in order. Collation and case come from the built-in C.UTF-8, which is the same on every
 * machine, so indexes survive an upgrade of the system. But PostgreSQL 18's text-search parser and pg_trgm use the C
 * library's character type: under C, show_trgm('привет') is empty and 'foo—bar' is one word.
 */
const CTYPES = ['C.UTF-8', 'en_US.UTF-8', 'C'];

/**
 * Creates the cluster unless it exists. Returns true if it was created.
 *
 * It is created as a draft and renamed when role and database exist: a cluster with the final name is complete, and
 * removing the drafts of killed starts never removes a database with data.
 */
export async function ensureCluster(location: Location, log: (message: string) => void): Promise<boolean> {
  await removeDrafts(location.home);
  if (await stat(location.cluster).catch(() => undefined)) {
    await readConnection(location.home);
    return false;
  }
  const draft = `${location.cluster}.${randomUUID()}.draft`;
  const password = randomBytes(32).toString('hex');
  await initialize(location, draft, log);
  await createRole(location, draft, password);
  await writeSecret(
    join(location.home, 'connection.json'),
    JSON.stringify({ role: ROLE, database: DATABASE, password }),
  );
  await renameDurably(draft, location.cluster);
  return true;
}

/**
 * Returns the URL of the cluster's database: on the loopback interface, with the folder of the Unix socket as the parameter `host`, which
 * clients of PostgreSQL prefer.
 * @throws Error when the file with the password cannot be read
 */
export async function urlOf(
  home: string,
  { port, socketFolder }: Pick<Postmaster, 'port' | 'socketFolder'>,
): Promise<string> {
  const { role, database, password } = await readConnection(home);
  const url = `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
  return socketFolder ? `${url}?host=${encodeURIComponent(socketFolder)}` : url;
}

async function readConnection(home: string): Promise<{ role: string; database: string; password: string }> {
  const file = join(home, 'connection.json');
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${home} contains a database, but its password in ${file} cannot be read. Restore that file.`, {
      cause,
    });
  }
}

async function removeDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (!name.endsWith('.draft')) continue;
    // An initdb whose parent was killed may still write to it for a moment; the next start removes the rest.
    await rm(join(home, name), { recursive: true, force: true, maxRetries: 3, retryDelay: 20 }).catch(() => {});
  }
}

async function initialize(location: Location, directory: string, log: (message: string) => void): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  if (location.account) await chown(directory, location.account.uid, location.account.gid);
  let failure = '';
  for (const ctype of CTYPES) {
    const { code, output } = await run(location.binaries.initdb, initdbArguments(directory, ctype), {
      account: location.account,
    });
    if (code === 0 && ctype === 'C')
      log('This system has no UTF-8 locale: fuzzy search for non-English words is limited.');
    if (code === 0) return;
    failure = output;
    if (!output.includes('invalid locale')) break;
  }
  throw new Error(`initdb could not create the database in ${directory}:\n${failure}`);
}

function initdbArguments(directory: string, ctype: string): string[] {
  const locale = ['--locale=C', `--lc-ctype=${ctype}`, '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  // The server reads who may connect from a file of our own (unix-socket.ts).
  const access = ['--username=postgres', '--auth-host=scram-sha-256', '--auth-local=peer'];
  return [
    '-D',
    directory,
    '--encoding=UTF8',
    ...locale,
    '--text-search-config=english',
    ...access,
    '--no-instructions',
  ];
}

/** Creates role and database in single-user mode: no port is open before the password is set. */
async function createRole(location: Location, directory: string, password: string): Promise<void> {
  const statements = [
    `create role ${ROLE} login createrole createdb password '${password}'`,
    `create database ${DATABASE} owner ${ROLE}`,
  ];
  const args = ['--single', '-c', 'exit_on_error=on', '-c', 'timezone=UTC', '-D', directory, 'postgres'];
  const { code, output } = await run(location.binaries.postgres, args, {
    account: location.account,
    input: `${statements.join('\n')}\n`,
  });
  if (code !== 0)
    throw new Error(`PostgreSQL could not create the role and the database:\n${output.replaceAll(password, '***')}`);
}

async function writeSecret(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}.draft`;
  const handle = await open(draft, 'wx', 0o600);
  await handle.writeFile(text);
  await handle.sync();
  await handle.close();
  await rename(draft, file);
}

/** Renames a file or folder, and syncs the parent folder. */
async function renameDurably(draft: string, target: string): Promise<void> {
  // On Windows a virus scanner may keep a new file open for a moment.
  await retry(
    () => rename(draft, target),
    (_error, attempt) => (process.platform === 'win32' && attempt < 20 ? 100 : undefined),
  );
  if (process.platform === 'win32') return;
  const folder = await open(dirname(target), 'r');
  await folder.sync().finally(() => folder.close());
}
