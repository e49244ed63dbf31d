import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Refusal, say } from './console.mjs';
import { packageBin } from './tools.mjs';

const SOURCES = ['api', 'mcp', 'db', 'scripts'];
/** Folders whose runtime files (.sql, .html, model files, …) stand beside the code and are needed beside it in dist. */
const WITH_RUNTIME_FILES = ['api', 'mcp', 'db'];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'];

/**
 * Compiles into dist/ when a source has changed since. Call under the lock.
 *
 * The compiler writes to a staging folder and each file is then renamed into place, so that a process which loads dist/
 * at this moment (it no longer holds the lock) never reads half a file.
 *
 * @param {string} root
 * @param {{ lock: import('./lock.mjs').Lock, staging: string }} under `staging` must be as deep in the checkout as dist/:
 *   the paths in source maps are relative
 */
export async function buildIfStale(root, { lock, staging }) {
  const stamp = join(root, 'dist', '.built.json');
  const former = readStamp(stamp);
  // Taken before compiling: what is edited meanwhile differs from it next time.
  const sources = fingerprint(root);
  if (former.sources === sources && former.files.every((file) => existsSync(join(root, 'dist', file)))) return;

  say('Building …');
  for (const folder of SOURCES) rmSync(join(staging, folder), { recursive: true, force: true });
  await compile(root, staging, lock);
  const files = [...moveEmitted(root, staging), ...copyRuntimeFiles(root)];
  files.push(...copyCli(root, files));
  const kept = new Set(files);
  for (const file of former.files) if (!kept.has(file)) rmSync(join(root, 'dist', file), { force: true });
  makeExecutable(root, files);
  writeFileSync(stamp, JSON.stringify({ sources, files }));
}

/** @returns {{ sources?: string, files: string[] }} what was built from what; the files are paths in dist/ */
function readStamp(stamp) {
  try {
    return JSON.parse(readFileSync(stamp, 'utf8'));
  } catch {
    return { files: [] };
  }
}

/** Sizes and times, not contents: this runs before every command and must not be felt. */
function fingerprint(root) {
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...SOURCES.flatMap((folder) => walk(root, folder))]) {
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`${file}\0${stat?.size}\0${stat?.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} staging
 * @param {import('./lock.mjs').Lock} lock
 */
async function compile(root, staging, lock) {
  const args = [packageBin(root, 'typescript', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', staging];
  // The compiler reports on stdout, which is not ours to write on.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  lock.include(child.pid);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Refusal('The code does not compile; dist/ is left as it was.');
}

/** @returns {string[]} */
function moveEmitted(root, staging) {
  const files = SOURCES.flatMap((folder) => walk(staging, folder));
  for (const file of files) {
    mkdirSync(dirname(join(root, 'dist', file)), { recursive: true });
    renameSync(join(staging, file), join(root, 'dist', file));
  }
  for (const folder of SOURCES) rmSync(join(staging, folder), { recursive: true, force: true });
  return files;
}

/** @returns {string[]} */
function copyRuntimeFiles(root) {
  const files = WITH_RUNTIME_FILES.flatMap((folder) => walk(root, folder)).filter((file) => !/\.[cm]?tsx?$/.test(file));
  for (const file of files) copyIfChanged(join(root, file), join(root, 'dist', file));
  return files;
}

/** The copy gets the time of its original, by which the two are compared: some of these files are large. */
function copyIfChanged(from, to) {
  const source = statSync(from);
  const copy = statSync(to, { throwIfNoEntry: false });
  // Setting a time rounds it, up or down, on its way through seconds as a floating point number.
  if (copy?.size === source.size && Math.abs(copy.mtimeMs - source.mtimeMs) < 2) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.new`);
  utimesSync(`${to}.new`, source.atime, source.mtime);
  renameSync(`${to}.new`, to);
}

/**
 * Copies the compiled command line into its own package, mcp/cli, which is published from there.
 *
 * @returns {string[]} the copies, as paths from dist/
 */
function copyCli(root, files) {
  return files
    .filter((file) => /^mcp\/cli\/.*\.js$/.test(file))
    .map((file) => {
      const copy = file.replace('mcp/cli/', '../mcp/cli/dist/');
      const target = join(root, 'dist', copy);
      mkdirSync(dirname(target), { recursive: true });
      // The source maps are not published.
      const code = readFileSync(join(root, 'dist', file), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
      writeFileSync(`${target}.new`, code);
      renameSync(`${target}.new`, target);
      return copy;
    });
}

/** npm makes the commands of an installed package executable; in a checkout the build does. */
function makeExecutable(root, files) {
  for (const file of files) if (/mcp\/cli\/(dist\/)?[^/]+\.js$/.test(file)) chmodSync(join(root, 'dist', file), 0o755);
}

/**
 * @param {string} base
 * @param {string} folder
 * @returns {string[]} the files below `base/folder` as paths from `base`, with slashes, in a fixed order
 */
function walk(base, folder) {
  if (!existsSync(join(base, folder))) return [];
  return readdirSync(join(base, folder), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !['node_modules', 'dist'].includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? walk(base, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`]));
}
