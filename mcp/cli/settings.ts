import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Settings } from './bridge/target.ts';

/** Settings and the source of the URL. */
export interface FoundSettings extends Settings {
  urlFrom?: string;
}

/**
 * Reads URL, key and project from the environment. A missing URL or key comes from the `credentials.json` that
 * `npm start` writes in a checkout. That key is used only for the URL in the same file: it must not be sent to another
 * service.
 */
export function readSettings(env: NodeJS.ProcessEnv, baseDir: string): FoundSettings {
  const fromEnv = { url: env.WHITEMAGIC_URL?.trim(), key: env.WHITEMAGIC_API_KEY?.trim() };
  const found: FoundSettings = { project: env.WHITEMAGIC_PROJECT };
  const local = fromEnv.url && fromEnv.key ? undefined : readCredentials(env, baseDir);
  if (fromEnv.url) Object.assign(found, { url: fromEnv.url, urlFrom: 'WHITEMAGIC_URL' });
  else if (local) Object.assign(found, { url: local.url, urlFrom: local.path });
  if (fromEnv.key) Object.assign(found, { key: fromEnv.key, keyFrom: 'WHITEMAGIC_API_KEY' });
  else if (local && sameService(local.url, found.url)) Object.assign(found, { key: local.key, keyFrom: local.path });
  return found;
}

/** Reads the file each time: `npm start` may write it after the IDE has started the bridge. */
function readCredentials(
  env: NodeJS.ProcessEnv,
  baseDir: string,
): { url: string; key: string; path: string } | undefined {
  const path = join(resolve(baseDir, env.DATA_DIR || '.data'), 'credentials.json');
  try {
    const { url, api_key: key } = JSON.parse(readFileSync(path, 'utf8')) as { url?: unknown; api_key?: unknown };
    return typeof url === 'string' && typeof key === 'string' ? { url, key, path } : undefined;
  } catch {
    return undefined;
  }
}

/** Compares origins; the names of this machine (localhost, 127.0.0.1, ::1) are equal. */
function sameService(one: string, other: string | undefined): boolean {
  if (!other || !URL.canParse(one) || !URL.canParse(other)) return false;
  const origin = (url: string) => new URL(url).origin.replace(/\/\/(localhost|\[::1\])(?=:|$)/, '//127.0.0.1');
  return origin(one) === origin(other);
}
