import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleCli, bundleServer, CLI } from './bundle.mjs';
import { say, UserError } from './console.mjs';
import { packageBin } from './tools.mjs';

const SOURCES = ['api', 'mcp', 'db', 'scripts'];
/** Folders of dist/ that the bundler writes; the programs, which name the chunks, last. */
const OUTPUTS = ['chunks', ...SOURCES];
/** Folders whose other files (.sql, .html, the model) are needed beside the code at run time. */
const WITH_RUNTIME_FILES = ['api', 'mcp', 'db'];
/** The web app, which Vite builds; see `dashboard.mjs`. */
const DASHBOARD = 'api/dashboard';
/** The clients for programs, which are packages of their own. */
const CLIENTS = 'mcp/clients';
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'];

/**
 * Checks the types and bundles into dist/, and the command line into mcp/cli/dist/, if a source file has changed. Call under the lock.
 *
 * The bundler writes to a staging folder, as deep in the checkout as dist/ since source maps contain relative paths.
 * Each file is then renamed into place: a process that loads dist/ in this moment never reads half a file.
 */
export async function buildIfStale(root, { lock, staging }) {
  const stamp = join(root, 'dist', '.built.json');
  const { sources: built, files: former, stale } = readStamp(stamp);
  // Taken before the build, so that a file edited meanwhile differs from it next time.
  const sources = fingerprint(root);
  if (built === sources && former.every((file) => fs.existsSync(join(root, 'dist', file)))) return;

  say('Building …');
  const clearStaging = () => {
    for (const folder of OUTPUTS) fs.rmSync(join(staging, folder), { recursive: true, force: true });
  };
  clearStaging();
  await checkTypes(root, lock);
  await bundleServer(root, staging);
  if (fs.existsSync(join(root, CLI, 'whitemagic.ts'))) await bundleCli(root, join(staging, CLI));
  const files = OUTPUTS.flatMap((folder) => walk(staging, folder));
  for (const file of files) move(join(staging, file), join(root, 'dist', file));
  clearStaging();
  files.push(...copyCli(root, files), ...copyRuntimeFiles(root));
  const unused = [...former, ...stale].filter((file) => !files.includes(file));
  // A service that runs from the last build may still load parts of it, so they stay until the next.
  const kept = unused.filter((file) => former.includes(file) && file.startsWith('chunks/'));
  for (const file of unused) if (!kept.includes(file)) fs.rmSync(join(root, 'dist', file), { force: true });
  fs.writeFileSync(stamp, JSON.stringify({ sources, files, stale: kept }));
}

/** Returns the fingerprint of the sources, the files of the last build, and those kept of the build before, as paths from dist/. */
function readStamp(stamp) {
  try {
    return { stale: [], ...JSON.parse(fs.readFileSync(stamp, 'utf8')) };
  } catch {
    return { files: [], stale: [] };
  }
}

/** Returns the fingerprint of the sources, without their contents: this runs before every command. */
function fingerprint(root) {
  return fingerprintOf(root, [...SETTINGS, ...SOURCES.flatMap((folder) => walk(root, folder))].filter(isOfServer));
}

function isOfServer(file) {
  return !file.startsWith(`${DASHBOARD}/`) && !file.startsWith(`${CLIENTS}/`);
}

/** Hashes the sizes and times of files, given by their paths from the checkout. */
export function fingerprintOf(root, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const stat = fs.statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`${file}\0${stat?.size}\0${stat?.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

async function checkTypes(root, lock) {
  const args = [packageBin(root, 'typescript', 'tsc'), '-p', 'tsconfig.build.json'];
  // The compiler reports on stdout, which belongs to the command.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  lock.share(child.pid);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new UserError('The code does not compile; dist/ is left as it was.');
}

function move(from, to) {
  fs.mkdirSync(dirname(to), { recursive: true });
  // npm makes the commands of an installed package executable; here the build does.
  if (/mcp\/cli\/(dist\/)?whitemagic\.js$/.test(to.replaceAll('\\', '/'))) fs.chmodSync(from, 0o755);
  fs.renameSync(from, to);
}

/** Copies the bundled command line into its package, which is published from there. */
function copyCli(root, files) {
  return files
    .filter((file) => /^mcp\/cli\/.*\.js$/.test(file))
    .map((file) => {
      const copy = file.replace('mcp/cli/', '../mcp/cli/dist/');
      const draft = join(root, 'dist', `${file}.new`);
      fs.copyFileSync(join(root, 'dist', file), draft);
      move(draft, join(root, 'dist', copy));
      return copy;
    });
}

/** A copy gets the time of its original, by which the two are compared: some of these files are large. */
function copyRuntimeFiles(root) {
  const files = WITH_RUNTIME_FILES.flatMap((folder) => walk(root, folder)).filter(
    (file) => isOfServer(file) && !/\.[cm]?tsx?$/.test(file),
  );
  for (const file of files) {
    const [from, to] = [join(root, file), join(root, 'dist', file)];
    const source = fs.statSync(from);
    const copy = fs.statSync(to, { throwIfNoEntry: false });
    // A time is rounded when it is set, up or down.
    if (copy?.size === source.size && Math.abs(copy.mtimeMs - source.mtimeMs) < 2) continue;
    fs.mkdirSync(dirname(to), { recursive: true });
    fs.copyFileSync(from, `${to}.new`);
    fs.utimesSync(`${to}.new`, source.atime, source.mtime);
    fs.renameSync(`${to}.new`, to);
  }
  return files;
}

/** Lists the files below `base/folder` as paths from `base`, with slashes, in a fixed order. */
export function walk(base, folder) {
  if (!fs.existsSync(join(base, folder))) return [];
  return fs
    .readdirSync(join(base, folder), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !['node_modules', 'dist'].includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? walk(base, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`]));
}
