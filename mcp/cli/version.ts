import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cli = findPackage('whitemagic', here);

/** The version of this package. */
export const version: string = cli?.version ?? '0.0.0';

/** The checkout that this file belongs to, or the folder of the installed package where there is no checkout. */
export const baseDir: string = (findPackage('whitemagic-server', here) ?? cli)?.folder ?? here;

/** Looks for the package.json of a package in a folder and in those above it. */
function findPackage(name: string, folder: string): { folder: string; version: string } | undefined {
  const found = readPackage(join(folder, 'package.json'));
  if (found?.name === name && found.version) return { folder, version: found.version };
  const parent = dirname(folder);
  return parent === folder ? undefined : findPackage(name, parent);
}

/** Returns undefined where there is no package.json or it cannot be read. */
function readPackage(file: string): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) ?? undefined;
  } catch {
    return undefined;
  }
}
