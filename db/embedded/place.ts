import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binaries, copyPackage, findPackage, prepare } from './binaries.ts';
import { type Account, run } from './processes.ts';

/** Where a database lives and who runs it. */
export interface Place {
  /** The folder of our own files about the database (connection, log), which holds the cluster's folder. */
  home: string;
  /** The cluster's data directory; it exists once the cluster is fully initialised, never before. */
  cluster: string;
  binaries: Binaries;
  /** Set when we are root, which PostgreSQL refuses to run as. */
  account: Account | undefined;
}

/** The file in DATA_DIR that says where the database is when it is not in DATA_DIR itself. */
const LOCATION_FILE = 'database-location';
/** Users that exist for running services, best first. */
const SERVICE_USERS = ['postgres', '_postgres', 'nobody', 'daemon'];

/** The folder of a data directory's database; makes nothing. Throws when DATA_DIR names a folder that has gone. */
export async function homeOf(dataDir: string): Promise<string> {
  const file = join(dataDir, LOCATION_FILE);
  const elsewhere = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (!elsewhere) return join(dataDir, 'database');
  if (await folderExists(elsewhere)) return elsewhere;
  // Never begin an empty database where a full one is expected.
  throw new Error(
    `The database of ${dataDir} should be in ${elsewhere}, but that folder is gone. Bring it back, or delete ${file} to begin with an empty database.`,
  );
}

export const clusterOf = (home: string) => join(home, 'cluster');

/**
 * Decides who runs the server and where its programs and data are, making folders and copies as needed.
 * As an ordinary user: ourselves, the installed package, DATA_DIR/database. As root: another user, and where a closed
 * parent folder (a checkout under /root) keeps that user out, a system folder instead, which the log names.
 */
export async function choosePlace(dataDir: string, log: (message: string) => void): Promise<Place> {
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

/** The package as npm installed it; or a copy beside the data, if links are missing in a package that we may not write. */
async function ownBinaries(home: string): Promise<Binaries> {
  const root = findPackage();
  return prepare(root).catch(() => copyPackage(root, home));
}

/** Whoever owns the existing cluster's files; else the first service user of this system. */
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

// Asked of the system itself, as that user: mode bits alone say nothing of groups, ACLs and mounts.
const canEnter = async (account: Account, folder: string) =>
  (await run('/bin/sh', ['-c', 'cd "$0"', folder], { account })).code === 0;

const canRun = async (account: Account, binaries: Binaries) =>
  (await run(binaries.postgres, ['--version'], { account })).code === 0;

async function moveHome(dataDir: string, closed: string, account: Account, log: (message: string) => void) {
  if (await folderExists(clusterOf(closed))) {
    throw new Error(
      `The user that runs the database (uid ${account.uid}) can no longer enter ${closed}: a folder above it was closed. Open it (chmod o+x), or start as the user that owns it.`,
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

/** A folder that is root's alone to write and that the account can enter. */
async function systemFolder(account: Account): Promise<string> {
  for (const folder of ['/var/lib/whitemagic', join(tmpdir(), 'whitemagic-system')]) {
    await makeFolder(folder).catch(() => {});
    const found = await lstat(folder).catch(() => undefined);
    // In a folder for everybody somebody else could have put one there first, with programs of his own in it.
    const ours = found?.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
    if (ours && (await canEnter(account, folder))) return folder;
  }
  throw new Error(
    'Found no folder for the database that root owns and its user can enter (tried /var/lib/whitemagic).',
  );
}

/** Everybody may pass through (the database's user must), nobody else may look around. */
async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  // chmod, since the umask would have its say in mkdir's mode.
  if (made) await chmod(folder, 0o711);
}

const folderExists = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
