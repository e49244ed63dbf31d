import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Settings } from './bridge/target.ts';
import { credentialsPath, findCredentials, serviceUrl } from './credentials.ts';
import type { Host } from './folders.ts';

/** Settings and the source of the URL. */
export interface FoundSettings extends Settings {
  urlFrom?: string;
}

/**
 * Reads URL and key from the environment. A missing URL or key comes from the `credentials.json` that `npm start` writes in a
 * checkout, or else from the one that `whitemagic login` writes. A stored key is used only for the service it was stored for: it must
 * not be sent to another.
 */
export function readSettings(
  env: NodeJS.ProcessEnv,
  baseDir: string,
  platform: NodeJS.Platform = process.platform,
): FoundSettings {
  const fromEnv = { url: env.WHITEMAGIC_URL?.trim(), key: env.WHITEMAGIC_API_KEY?.trim() };
  const found: FoundSettings = {};
  if (fromEnv.url) Object.assign(found, { url: fromEnv.url, urlFrom: 'WHITEMAGIC_URL' });
  if (fromEnv.key) Object.assign(found, { key: fromEnv.key, keyFrom: 'WHITEMAGIC_API_KEY' });
  if (found.url && found.key) return found;
  const stored = readCredentials(env, baseDir, { env, platform }, found.url);
  if (!found.url && stored) Object.assign(found, { url: stored.url, urlFrom: stored.path });
  if (!found.key && stored) Object.assign(found, { key: stored.key, keyFrom: stored.path });
  return found;
}

/** A stored key and its file. */
interface StoredKey {
  url: string;
  key: string;
  path: string;
}

/** Reads the files each time: `npm start` and `whitemagic login` may write them after the IDE has started the bridge. */
function readCredentials(
  env: NodeJS.ProcessEnv,
  baseDir: string,
  host: Host,
  url: string | undefined,
): StoredKey | undefined {
  const local = readLocal(env, baseDir);
  if (local && (url === undefined || serviceUrl(local.url) === serviceUrl(url))) return local;
  const own = findCredentials(host, url);
  return own && { ...own, path: credentialsPath(host) };
}

function readLocal(env: NodeJS.ProcessEnv, baseDir: string): StoredKey | undefined {
  const path = join(resolve(baseDir, env.DATA_DIR || '.data'), 'credentials.json');
  try {
    const { url, api_key: key } = JSON.parse(readFileSync(path, 'utf8')) as { url?: unknown; api_key?: unknown };
    return typeof url === 'string' && typeof key === 'string' ? { url, key, path } : undefined;
  } catch {
    return undefined;
  }
}
