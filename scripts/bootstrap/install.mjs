import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { say, UserError } from './console.mjs';

/**
 * Installs the packages unless they are those of package-lock.json. Call under the lock.
 *
 * @throws UserError when npm fails, or when another command runs from this checkout
 */
export async function installIfNeeded(root, { lock, running }) {
  const stamp = join(root, 'node_modules', '.whitemagic-installed');
  // The platform counts too: a checkout that is mounted into a container has the other system's binaries.
  const lockFile = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(`${process.platform} ${process.arch}\n`).update(lockFile).digest('hex');
  const found = readIfExists(stamp);
  if (found === wanted) return;
  if (!isInstalled(root)) {
    if (running.length > 0) throw inUse(running);
    const reason = found === undefined ? 'first run, about a minute' : 'package-lock.json has changed';
    say(`Installing packages (${reason}) …`);
    rmSync(stamp, { force: true });
    await npmCi(root, lock);
  }
  writeFileSync(stamp, wanted);
}

/** Compares package-lock.json with npm's record of what it installed, for an `npm ci` or `npm install` run by hand. */
function isInstalled(root) {
  const record = readIfExists(join(root, 'node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, os, cpu, libc }]) => {
    if (path === '' || !matches(os, process.platform) || !matches(cpu, process.arch)) return true;
    const found = installed[path];
    // Of packages that differ only by C library npm installs one.
    if (!found) return libc !== undefined;
    return found.version === version && found.integrity === integrity && existsSync(join(root, path));
  });
}

/** Applies npm's rule for a package's `os` and `cpu`. */
function matches(allowed, actual) {
  if (!allowed) return true;
  if (allowed.includes(`!${actual}`)) return false;
  return allowed.includes(actual) || allowed.every((name) => name.startsWith('!'));
}

function inUse(running) {
  const names = running.map(({ command, pid }) => `  ${command} (pid ${pid})`).join('\n');
  return new UserError(
    `The installed packages differ from package-lock.json, and cannot be replaced while this checkout is in use by\n${names}\n` +
      'Stop it, then run this again.',
  );
}

async function npmCi(root, lock) {
  // --include=dev: with NODE_ENV=production npm leaves out what the build needs.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--no-update-notifier'];
  // Where the environment turns install scripts on, that of onnxruntime-node would download CUDA libraries.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const child = spawnNpm(args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  lock.share(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new UserError(`npm could not be started: ${error.message}`)));
    child.once('close', resolve);
  });
  if (code !== 0) throw new UserError(`${output.trim()}\n\n"npm ci" failed; nothing was started.`);
}

/** Runs the npm that runs this script (yarn and pnpm set the same variable), else the one on the PATH. */
function spawnNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm && basename(npm) === 'npm-cli.js') return spawn(process.execPath, [npm, ...args], options);
  // A .cmd file runs only in a shell.
  if (process.platform === 'win32') return spawn('npm.cmd', args, { ...options, shell: true });
  return spawn('npm', args, options);
}

function readIfExists(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
