import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fingerprintOf, walk } from './build.mjs';
import { say, UserError } from './console.mjs';
import { packageBin } from './tools.mjs';

/** Everything that the web app is made of, beside its packages. */
const SOURCES = ['api/dashboard', 'api/contracts', 'api/pages', 'api/keys', 'mcp/client-setup'];
const CONFIG = 'api/dashboard/vite.config.ts';
const PAGE = 'dashboard/index.html';

/**
 * Builds the dashboard into dist/dashboard/, if a source file of it has changed and the checkout has it. Call
 * under the lock.
 *
 * Vite writes to a staging folder, whose files are then renamed into place. Files of the last build stay until the next: a browser
 * that loaded the former page may still ask for them.
 */
export async function buildDashboardIfStale(root, { lock, staging }) {
  if (!fs.existsSync(join(root, CONFIG))) return;
  const stamp = join(root, 'dist', '.dashboard.json');
  const sources = fingerprintOf(root, ['package-lock.json', ...SOURCES.flatMap((folder) => walk(root, folder))]);
  const last = readStamp(stamp);
  if (last.sources === sources && fs.existsSync(join(root, 'dist', PAGE))) return;

  say('Building the dashboard …');
  await vite(root, join(staging, 'dashboard'), lock);
  const files = walk(staging, 'dashboard');
  const kept = new Set([...files, ...last.files]);
  for (const file of walk(join(root, 'dist'), 'dashboard')) {
    if (!kept.has(file)) fs.rmSync(join(root, 'dist', file), { force: true });
  }
  // The page last: it names the other files.
  for (const file of files.sort((a, b) => Number(a === PAGE) - Number(b === PAGE))) {
    const to = join(root, 'dist', file);
    fs.mkdirSync(dirname(to), { recursive: true });
    fs.renameSync(join(staging, file), to);
  }
  fs.rmSync(join(staging, 'dashboard'), { recursive: true, force: true });
  fs.writeFileSync(stamp, JSON.stringify({ sources, files }));
}

/** Returns the fingerprint of the sources and the files of the last build. */
function readStamp(stamp) {
  try {
    return JSON.parse(fs.readFileSync(stamp, 'utf8'));
  } catch {
    return { files: [] };
  }
}

async function vite(root, outDir, lock) {
  const args = [packageBin(root, 'vite', 'vite'), 'build', '--config', CONFIG];
  // Vite reports on stdout, which belongs to the command.
  const child = spawn(process.execPath, [...args, '--outDir', outDir, '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  lock.share(child.pid);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new UserError('The dashboard does not build; dist/dashboard/ is left as it was.');
}
