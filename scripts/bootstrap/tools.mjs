import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** Returns the script of a package's command, to be run by this Node without a shell, npx or PATH. */
export function packageBin(root, name, command = name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/** Runs a tool as a child process on our terminal. Resolves to its exit code, as a shell would report it. */
export async function runTool({ root, running }, { name, command, args }) {
  const child = spawn(process.execPath, [packageBin(root, name, command), ...args], { cwd: root, stdio: 'inherit' });
  running.share(child.pid);
  // A terminal's Ctrl-C reaches the child by itself, and a second SIGINT means "at once" to some tools.
  const forward = (signal) => {
    if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
  };
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (...ended) => resolve(ended));
  });
  process.off('SIGINT', forward).off('SIGTERM', forward);
  return code ?? 128 + constants.signals[signal];
}
