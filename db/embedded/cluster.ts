import { randomBytes, randomUUID } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from './place.ts';
import { run } from './processes.ts';

const ROLE = 'whitemagic';
const DATABASE = 'whitemagic';

/*
 * Why the character type is not simply C: comparison and case come from the built-in C.UTF-8 (the same on every
 * machine, so indexes survive an upgrade of the system), but PostgreSQL 18's text-search parser and pg_trgm still ask
 * the C library. Under C, show_trgm('привет') is empty and 'foo—bar' one word.
 */
const CTYPES = ['C.UTF-8', 'en_US.UTF-8', 'C'];

/**
 * Makes the cluster unless it exists. True if it was made now.
 *
 * It is made under a name of its own and renamed when it is complete, with role and database: whatever has the final
 * name is whole, and clearing away what a killed start left behind can never hit a database with data in it.
 */
export async function ensureCluster(place: Place, log: (message: string) => void): Promise<boolean> {
  await clearDrafts(place.home);
  if (await stat(place.cluster).catch(() => undefined)) {
    await readConnection(place.home);
    return false;
  }
  const draft = `${place.cluster}.${randomUUID()}.draft`;
  const password = randomBytes(32).toString('hex');
  await initialise(place, draft, log);
  await createRole(place, draft, password);
  await writeSecret(join(place.home, 'connection.json'), JSON.stringify({ role: ROLE, database: DATABASE, password }));
  await renameWhole(draft, place.cluster);
  return true;
}

/** The URL of the cluster's database on a port. Throws when the file with the password is missing. */
export async function urlOf(home: string, port: number): Promise<string> {
  const { role, database, password } = await readConnection(home);
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

async function readConnection(home: string): Promise<{ role: string; database: string; password: string }> {
  const file = join(home, 'connection.json');
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${home} holds a database, but ${file} with its password cannot be read. Restore that file.`, {
      cause,
    });
  }
}

async function clearDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (!name.endsWith('.draft')) continue;
    // An initdb whose parent was killed may still be writing there for a moment; the next start clears the rest.
    await rm(join(home, name), { recursive: true, force: true, maxRetries: 3, retryDelay: 20 }).catch(() => {});
  }
}

async function initialise(place: Place, directory: string, log: (message: string) => void): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  if (place.account) await chown(directory, place.account.uid, place.account.gid);
  let failure = '';
  for (const ctype of CTYPES) {
    const { code, output } = await run(place.binaries.initdb, initdbArguments(directory, ctype), {
      account: place.account,
    });
    if (code === 0 && ctype === 'C')
      log('This system has no UTF-8 locale: search by parts of non-English words is limited.');
    if (code === 0) return;
    failure = output;
    if (!output.includes('invalid locale')) break;
  }
  throw new Error(`initdb could not make the database in ${directory}:\n${failure}`);
}

function initdbArguments(directory: string, ctype: string): string[] {
  const locale = ['--locale=C', `--lc-ctype=${ctype}`, '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  // The superuser `postgres` gets no password, so under scram nobody can log in as it; the local method is void,
  // since the server opens no unix socket.
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

/** In single-user mode: no port is open and nobody can connect before the password is set. */
async function createRole(place: Place, directory: string, password: string): Promise<void> {
  const statements = [
    `create role ${ROLE} login createrole createdb password '${password}'`,
    `create database ${DATABASE} owner ${ROLE}`,
  ];
  const args = ['--single', '-c', 'exit_on_error=on', '-c', 'timezone=UTC', '-D', directory, 'postgres'];
  const { code, output } = await run(place.binaries.postgres, args, {
    account: place.account,
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

async function renameWhole(draft: string, target: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(draft, target);
      break;
    } catch (error) {
      // On Windows a virus scanner may hold a fresh file for a moment.
      if (attempt === 20 || process.platform !== 'win32') throw error;
      await delay(100);
    }
  }
  if (process.platform === 'win32') return;
  const folder = await open(dirname(target), 'r');
  await folder.sync().finally(() => folder.close());
}
