import { readFileSync } from 'node:fs';

/** The service's version, from its package. */
export const VERSION: string = readVersion();

/** Found by walking up, since the sources and the build lie at different depths. */
function readVersion(from = new URL('.', import.meta.url)): string {
  try {
    return JSON.parse(readFileSync(new URL('package.json', from), 'utf8')).version;
  } catch {
    const parent = new URL('..', from);
    if (parent.href === from.href) throw new Error('no package.json above the service');
    return readVersion(parent);
  }
}
