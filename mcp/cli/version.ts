import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const own = findOwnPackage(dirname(fileURLToPath(import.meta.url)));

/** The folder of our own package.json: the checkout, whether run from source or from `dist`, or the installed package. */
export const packageRoot: string = own.root;

/** Our version, from that package.json. */
export const version: string = own.version;

function findOwnPackage(folder: string): { root: string; version: string } {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (isOwn(found)) return { root: folder, version: found.version };
  } catch {
    // None here, or not ours to read: look further up.
  }
  const parent = dirname(folder);
  return parent === folder ? { root: folder, version: '0.0.0' } : findOwnPackage(parent);
}

function isOwn(value: unknown): value is { version: string } {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && value.name === 'whitemagic' && 'version' in value && typeof value.version === 'string';
}
