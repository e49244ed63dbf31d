import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binaries, copyPackage, findPackage, prepare } from './binaries.ts';
import { type Account, run } from './processes.ts';

/** Folders, programs and user of an embedded database. */
export interface Location {
  /** The folder of the connection file, the log and the cluster. */
  home: string;
  /** PostgreSQL's data directory. It exists only once it is fully initialized. */
  cluster: string;
  binaries: Binaries;
  /** The user to run as when this process is root, as which PostgreSQL does not run. */
  account: Account | undefined;
}

/** The file in DATA_DIR that names the database's folder when it is outside DATA_DIR. */
const LOCATION_FILE = 'database-location';
/** System users that services run as, in order of preference. */
const SERVICE_USERS = ['postgres', '_postgres', 'nobody', 'daemon'];

/**
 * Returns the folder of a data directory's database. Creates nothing.
 * @throws Error when DATA_DIR names a folder that does not exist any more
 */
export async function homeOf(dataDir: string): Promise<string> {
  const file = join(dataDir, LOCATION_FILE);
  const elsewhere = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (!elsewhere) return join(dataDir, 'database');
  if (await folderExists(elsewhere)) return elsewhere;
  // Never create an empty database in place of a missing one.
  throw new Error(
    `The database of ${dataDir} should be in ${elsewhere}, but that folder is gone. Restore it, or delete ${file} to start with an empty database.`,
  );
}

export const clusterOf = (home: string) => join(home, 'cluster');

/**
 * Chooses the user that runs the server and the folders of its programs and data, and creates folders and copies as
 * needed. For an ordinary user: the same user, the installed package, and DATA_DIR/database. For root: another user, and
 * if that user cannot enter a parent folder (a checkout under /root), a system folder instead, which is logged.
 */
export async function chooseLocation(dataDir: string, log: (message: string) => void): Promise<Location> {
  const home = await homeOf(dataDir);
  await makeFolder(home);
  if (process.getuid?.() !== 0) {
    return { home, cluster: clusterOf(home), binaries: await ownBinaries(home), account: undefined };
  }
  const account = await serviceAccount(clusterOf(home));
  const reachable = (await canEnter(account, home)) ? home : await moveHome(dataDir, home, account, log);
  const binaries = await binariesFor(account, log);
  return { home: reachable, cluster: clusterOf(reachable), binaries, account };
}

/** Prepares the installed package, or a copy beside the data if the package lacks links and is not writable. */
async function ownBinaries(home: string): Promise<Binaries> {
  const root = findPackage();
  return prepare(root).catch(() => copyPackage(root, home));
}

/** Returns the owner of the existing cluster's files, or else the first service user of this system. */
async function serviceAccount(cluster: string): Promise<Account> {
  const owner = await stat(cluster).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of SERVICE_USERS) {
    const [, , uid, gid] = users.find((user) => user[0] === name) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `PostgreSQL cannot run as root, and this system has none of the users ${SERVICE_USERS.join(', ')}. Start as an ordinary user, or set DATABASE_URL.`,
  );
}

// Tried as that user: mode bits do not cover groups, ACLs and mounts.
const canEnter = async (account: Account, folder: string) =>
  (await run('/bin/sh', ['-c', 'cd "$0"', folder], { account })).code === 0;

const canRun = async (account: Account, binaries: Binaries) =>
  (await run(binaries.postgres, ['--version'], { account })).code === 0;

async function moveHome(dataDir: string, closed: string, account: Account, log: (message: string) => void) {
  if (await folderExists(clusterOf(closed))) {
    throw new Error(
      `The user that runs the database (uid ${account.uid}) can no longer enter ${closed}, because of a parent folder's permissions. Allow it (chmod o+x), or start as the user that owns the folder.`,
    );
  }
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const home = join(await systemFolder(account), `data-${key}`);
  await makeFolder(home);
  const draft = join(dataDir, `${LOCATION_FILE}.${randomUUID()}`);
  await writeFile(draft, `${home}\n`);
  await rename(draft, join(dataDir, LOCATION_FILE));
  log(
    `PostgreSQL cannot run as root, and the user it runs as cannot enter ${dataDir}: the database is in ${home}. Back that folder up too.`,
  );
  return home;
}

async function binariesFor(account: Account, log: (message: string) => void): Promise<Binaries> {
  const root = findPackage();
  const installed = await prepare(root).catch(() => undefined);
  if (installed && (await canRun(account, installed))) return installed;
  const copy = await copyPackage(root, await systemFolder(account));
  if (!(await canRun(account, copy))) throw new Error(`The user with uid ${account.uid} cannot run ${copy.postgres}.`);
  log(`The user that runs PostgreSQL cannot reach ${root}: its programs are in ${copy.root}.`);
  return copy;
}

/** Creates a folder that only root can write to and that the account can enter. */
async function systemFolder(account: Account): Promise<string> {
  for (const folder of ['/var/lib/whitemagic', join(tmpdir(), 'whitemagic-system')]) {
    await makeFolder(folder).catch(() => {});
    const found = await lstat(folder).catch(() => undefined);
    // In a shared folder, another user could have created it first, with programs of their own.
    const isSafe = found?.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
    if (isSafe && (await canEnter(account, folder))) return folder;
  }
  throw new Error(
    'There is no folder for the database that root owns and the database user can enter (tried /var/lib/whitemagic).',
  );
}

/** Creates a folder that other users, such as the database's, can traverse but not list. */
async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  // chmod, since the umask limits the mode of mkdir.
  if (made) await chmod(folder, 0o711);
}

const folderExists = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
