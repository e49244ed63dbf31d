import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/**
 * The script behind a package's command, to be run by this very Node: no shell, no `npx`, no PATH.
 *
 * @param {string} root
 * @param {string} name the package
 * @param {string} [command] where it is not called like the package
 */
export function packageBin(root, name, command = name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Runs a tool as a child that shares our terminal.
 *
 * @param {import('./commands.mjs').Context} context
 * @param {{ name: string, command?: string, args: string[] }} tool
 * @returns {Promise<number>} its exit code, as a shell would report it
 */
export function runTool({ root, running }, { name, command, args }) {
  const child = spawn(process.execPath, [packageBin(root, name, command), ...args], { cwd: root, stdio: 'inherit' });
  running.include(child.pid);
  const stop = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      stop();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * Ends with the child and not before it. A terminal's Ctrl-C reaches the child by itself (the two are one process
 * group), and a second SIGINT means "at once" to some tools, so that one is passed on only where there is no terminal.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return () => process.off('SIGINT', forward).off('SIGTERM', forward);
}
