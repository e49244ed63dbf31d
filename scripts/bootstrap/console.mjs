import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An expected end: the message is all that the person needs, a stack would only hide it. */
export class Refusal extends Error {}

/**
 * Tells the person what happens. Always on stderr: stdout belongs to the command (`admin … --json` prints JSON only).
 *
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * The folder of the bootstrap's own state: the lock, the list of running commands, the compiler's staging.
 * It cannot be inside node_modules or dist, which are emptied while it is in use; and it hides itself from git.
 *
 * @param {string} root
 */
export function stateFolder(root) {
  const folder = join(root, '.bootstrap');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    if (!existsSync(join(folder, '.gitignore'))) writeFileSync(join(folder, '.gitignore'), '*\n');
  } catch (error) {
    throw new Refusal(
      `This checkout cannot be written to (${error.message}).\n` +
        'Run this as the user who owns it; a built checkout also starts by `node dist/api/main.js`.',
    );
  }
  return folder;
}
