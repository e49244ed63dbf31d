import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './program.ts';

/** Virtual environments of Python, beside the packages of Node. */
const FOLDER = join(root, 'node_modules', '.cache', 'python');

/**
 * Installs a tool of Python into a virtual environment of its own, unless it is installed. Returns the path of its command.
 * @param name of the environment, where it is not the command's
 * @param requirements file with the packages and their versions, relative to the checkout
 * @throws Error when Python 3 with venv is missing, or a package cannot be installed
 */
export async function installPythonTool(command: string, requirements: string, name = command): Promise<string> {
  const environment = join(FOLDER, name);
  const installed = join(environment, 'bin', command);
  const done = join(environment, 'installed');
  if (existsSync(done)) return installed;
  const run = promisify(execFile);
  try {
    await run('python3', ['-m', 'venv', environment]);
    await run(join(environment, 'bin', 'pip'), ['install', '--quiet', '-r', join(root, requirements)]);
  } catch (cause) {
    throw new Error(`${command} could not be installed. It needs python3 with venv (Debian: python3-venv).`, { cause });
  }
  writeFileSync(done, '');
  return installed;
}
