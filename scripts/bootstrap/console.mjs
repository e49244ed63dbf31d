import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An expected failure, printed without a stack. */
export class UserError extends Error {}

/** Prints a line on stderr: stdout belongs to the command (`admin … --json` prints JSON only). */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Returns the folder of the bootstrap's state: the lock, the running commands, the compiler's output. It cannot be in
 * node_modules or dist, which are emptied while it is in use. Git ignores it.
 */
export function stateFolder(root) {
  const folder = join(root, '.bootstrap');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    if (!existsSync(join(folder, '.gitignore'))) writeFileSync(join(folder, '.gitignore'), '*\n');
  } catch (error) {
    throw new UserError(
      `This checkout is not writable (${error.message}).\n` +
        'Run this as the user who owns it. A checkout that is already built also starts with: node dist/api/main.js',
    );
  }
  return folder;
}
