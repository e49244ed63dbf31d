import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../program.ts';
import { installPythonTool } from '../../python-tool.ts';

const run = promisify(execFile);
const SOURCE = join(root, 'scripts/bench/peers');
/** Beside the packages of the checkout, where nothing of the product looks. */
const FOLDER = join(root, 'node_modules', '.cache', 'peers');

/** Installs the peers that are npm packages, unless they are installed. Returns their folder. */
export async function installNodePeers(): Promise<string> {
  const stamp = join(FOLDER, 'node_modules', 'memorix', 'package.json');
  if (existsSync(stamp)) return FOLDER;
  await mkdir(FOLDER, { recursive: true });
  await copyFile(join(SOURCE, 'package.json'), join(FOLDER, 'package.json'));
  // Scripts run: memorix compiles the library of its database.
  const options = ['--no-audit', '--no-fund', '--ignore-scripts=false', '--loglevel=error'];
  await run('npm', ['install', '--prefix', FOLDER, ...options], { cwd: FOLDER, maxBuffer: 64_000_000 });
  return FOLDER;
}

/** Installs mem0 into a virtual environment of its own. Returns the path of its Python. */
export function installMem0(): Promise<string> {
  return installPythonTool('python', 'scripts/bench/peers/requirements.txt', 'mem0');
}
