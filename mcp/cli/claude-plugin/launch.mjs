#!/usr/bin/env node
/**
 * Starts the command line of WhiteMagic for the plugin: that of the checkout the plugin is in, the copy that `whitemagic setup` has made,
 * or the one that is installed. Depends only on Node.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.HOME || process.env.USERPROFILE || homedir();
const data =
  process.platform === 'win32'
    ? process.env.LOCALAPPDATA || join(home, 'AppData', 'Local')
    : process.env.XDG_DATA_HOME || join(home, '.local', 'share');
const found = [
  join(here, '..', 'dist', 'whitemagic.js'),
  join(data, 'whitemagic', 'cli', 'dist', 'whitemagic.js'),
].find((path) => existsSync(path));

if (found) {
  process.argv[1] = found;
  await import(pathToFileURL(found).href);
} else {
  const { status, error } = spawnSync('whitemagic', process.argv.slice(2), {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error) {
    console.error(
      'whitemagic: not installed. Run: npx -y https://HOST/whitemagic-VERSION.tgz setup --url https://HOST',
    );
    // A hook that fails must not stop a session.
    process.exitCode = process.argv[2] === 'hook' ? 0 : 1;
  } else process.exitCode = status ?? 1;
}
