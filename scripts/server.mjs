#!/usr/bin/env node
/**
 * The command `whitemagic-server`: runs one of the service's programs, in a clone of the repository and in the container image.
 * In a clone it installs and builds first what is missing, as `npm start` does.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PROGRAMS, usage } from './bootstrap/programs.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bootstrap = join(root, 'scripts', 'bootstrap', 'main.mjs');
const [name = '--help', ...args] = process.argv.slice(2);

if (['help', '--help', '-h'].includes(name)) {
  console.log(usage());
} else if (!Object.hasOwn(PROGRAMS, name)) {
  console.error(`Unknown command "${name}".\n\n${usage()}`);
  process.exitCode = 2;
} else if (existsSync(bootstrap)) {
  const { main } = await import(pathToFileURL(bootstrap).href);
  await main(['server', name, ...args]);
} else {
  const file = join(root, 'dist', `${PROGRAMS[name].path}.js`);
  process.argv.splice(1, Number.POSITIVE_INFINITY, file, ...args);
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(file).href);
}
