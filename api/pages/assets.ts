import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load. Its path contains a hash of its content, so that browsers may cache it permanently. */
export interface Asset {
  path: string;
  type: string;
  body: string;
}

export const STYLE = asset('style.css', 'text/css', ['tokens.css', 'style.css']);
/** Shows the copy buttons and makes them work. */
export const COPY_SCRIPT = asset('copy.js', 'text/javascript');
export const ICON = asset('icon.svg', 'image/svg+xml');

/** Reads an asset, which is one file or several in a row, of this folder or another. */
export function asset(
  name: string,
  type: string,
  files: readonly string[] = [name],
  folder = new URL('.', import.meta.url),
): Asset {
  const body = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  const dot = name.lastIndexOf('.');
  return { path: `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`, type, body };
}
