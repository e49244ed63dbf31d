import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configFolder, type Host } from './folders.ts';

/** Keys of this user by the address of their service, and the service that commands use when none is named. */
interface Stored {
  url: string;
  keys: { [url: string]: string };
}

/** A service with its key. */
export interface Credentials {
  url: string;
  key: string;
}

/** Returns the file that holds the keys of `whitemagic login`. */
export function credentialsPath(host: Host): string {
  return join(configFolder(host), 'credentials.json');
}

/** Returns the key of a service, or of the one logged in to last. Undefined where there is none. */
export function findCredentials(host: Host, url?: string): Credentials | undefined {
  const stored = read(credentialsPath(host));
  const wanted = url === undefined ? stored?.url : serviceUrl(url);
  const key = wanted === undefined ? undefined : stored?.keys[wanted];
  return wanted !== undefined && typeof key === 'string' ? { url: wanted, key } : undefined;
}

/** Stores the key of a service in a file that only this user can read, and makes it the service of commands. */
export function storeCredentials(host: Host, { url, key }: Credentials): string {
  const path = credentialsPath(host);
  const service = serviceUrl(url);
  write(path, { url: service, keys: { ...read(path)?.keys, [service]: key } });
  return path;
}

/** Deletes the key of a service. Returns it, or undefined where there was none. */
export function deleteCredentials(host: Host, url?: string): Credentials | undefined {
  const path = credentialsPath(host);
  const found = findCredentials(host, url);
  const stored = read(path);
  if (!found || !stored) return undefined;
  const { [found.url]: _deleted, ...keys } = stored.keys;
  const [next] = Object.keys(keys);
  if (next === undefined) rmSync(path);
  else write(path, { url: stored.url === found.url ? next : stored.url, keys });
  return found;
}

/** Returns an address as the key of a service: without `/mcp`, query and trailing slash, and with one name for this machine. */
export function serviceUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const { origin, pathname } = new URL(url);
  const host = origin.replace(/\/\/(localhost|\[::1\])(?=:|$)/, '//127.0.0.1');
  return host + pathname.replace(/\/+$/, '').replace(/\/mcp$/, '');
}

function read(path: string): Stored | undefined {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Partial<Stored> | null;
    return typeof stored?.url === 'string' && typeof stored.keys === 'object' && stored.keys !== null
      ? { url: stored.url, keys: stored.keys }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a new file and renames it, so that a bridge that starts meanwhile reads the former or the new one whole. */
function write(path: string, stored: Stored): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}
