import { readFileSync } from 'node:fs';

/** Version of the service, from `package.json`. */
export const VERSION: string = readVersion();

/** Searches the parent folders, because the sources and the build have different depths. */
function readVersion(from = new URL('.', import.meta.url)): string {
  try {
    return JSON.parse(readFileSync(new URL('package.json', from), 'utf8')).version;
  } catch {
    const parent = new URL('..', from);
    if (parent.href === from.href) throw new Error('package.json was not found in a parent folder');
    return readVersion(parent);
  }
}
