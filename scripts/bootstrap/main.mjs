import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build.mjs';
import { COMMANDS, help } from './commands.mjs';
import { say, stateFolder, UserError } from './console.mjs';
import { buildDashboardIfStale } from './dashboard.mjs';
import { installIfNeeded } from './install.mjs';
import { waitForLock } from './lock.mjs';
import { findRunning, registerRunning } from './running.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Installs and builds what is missing under the lock of the checkout, then runs the command without it.
 *
 * @param {string[]} argv the command and its arguments
 */
export async function main([name = '--help', ...args]) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return showHelp(name);

  // npm does the same, so that relative paths (DATA_DIR) do not depend on how this was started.
  process.chdir(root);
  try {
    const running = await prepare(name, command);
    const code = await command.run({ root, args, running });
    // A program of this repository goes on in this process and sets its own exit code.
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

async function prepare(name, command) {
  const state = stateFolder(root);
  const lock = await waitForLock(state, (pid) =>
    say(`Waiting for another WhiteMagic command (pid ${pid}) that installs or builds …`),
  );
  try {
    await installIfNeeded(root, { lock, running: await findRunning(state) });
    if (command.needs === 'build') {
      await buildIfStale(root, { lock, staging: state });
      await buildDashboardIfStale(root, { lock, staging: state });
    }
    // Before the lock is released: from now on no other command replaces the packages.
    return await registerRunning(state, name);
  } finally {
    lock.release();
  }
}

function showHelp(name) {
  if (['help', '--help', '-h'].includes(name)) return console.log(help());
  say(`Unknown command "${name}".\n\n${help()}`);
  process.exitCode = 1;
}
