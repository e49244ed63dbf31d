import { readFileSync } from 'node:fs';

/** Version of the service, from `package.json`. */
/** Version of the legal texts: the day of their last change. */
export const TERMS_VERSION = '2026-11-29';
/** Time of their last change in content. A session that is older has ended: signing in again accepts what has changed. */
export const TERMS_CHANGED_AT = new Date('2026-11-01T00:00:00Z');

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
