import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build.mjs';
import { COMMANDS, help } from './commands.mjs';
import { Refusal, say, stateFolder } from './console.mjs';
import { installIfNeeded, linkPostgresLibraries } from './install.mjs';
import { acquireLock } from './lock.mjs';
import { findRunning, registerRunning } from './running.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Makes the checkout ready under its lock, then runs the command without it.
 *
 * The command is entered in the list of running ones before the lock is released: from then on nobody reinstalls the
 * packages under it.
 *
 * @param {string[]} argv the command and its arguments
 */
export async function main([name = '--help', ...args]) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return showHelp(name);

  // As npm does it, so that relative paths (DATA_DIR) mean the same however this is started.
  process.chdir(root);
  try {
    const running = await prepare(name, command);
    const code = await command.run({ root, args, running });
    // A service of ours goes on by itself after its module is loaded, and sets its own exit code.
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/**
 * @param {string} name
 * @param {import('./commands.mjs').Command} command
 */
async function prepare(name, command) {
  const state = stateFolder(root);
  const lock = await acquireLock(state, {
    onWait: (pid) => say(`Waiting for another WhiteMagic command (pid ${pid}) that installs or builds …`),
  });
  try {
    await installIfNeeded(root, { lock, running: findRunning(state) });
    linkPostgresLibraries(root);
    if (command.needs === 'build') await buildIfStale(root, { lock, staging: state });
    return registerRunning(state, name);
  } finally {
    lock.release();
  }
}

/** @param {string} name what was asked for instead of a command */
function showHelp(name) {
  if (['help', '--help', '-h'].includes(name)) return console.log(help());
  say(`There is no command "${name}".\n\n${help()}`);
  process.exitCode = 1;
}
