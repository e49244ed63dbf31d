import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { runProgram } from './cli-output.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run smoke [-- options]

Runs a small part of the tests on other versions of Node, which it installs from npm: the start, the embedded database, REST,
MCP over HTTP and stdio, and the log.

  --node LIST     major versions (22,24)

Exits with 1 when a test fails on one of them.`;

const settings = z.object({
  node: z
    .string()
    .default('22,24')
    .transform((list) => list.split(','))
    .pipe(z.array(z.string().regex(/^\d\d$/, 'must be major versions such as 22,24'))),
});

const TESTS = [
  'test/e2e/start.test.ts',
  'test/db/embedded/server.test.ts',
  'test/api/memories/memories.test.ts',
  'test/api/observability',
  'test/mcp/end-to-end.test.ts',
];
const FOLDER = join(root, 'node_modules', '.cache', 'node');

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' }, node: { type: 'string' } } });
  if (values.help) return console.log(HELP);
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const failed: string[] = [];
  for (const major of parsed.data.node) {
    const node = await installNode(major);
    const { stdout } = await promisify(execFile)(node, ['--version']);
    console.log(`Node ${stdout.trim()}`);
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    // Programs of the tests are started by the same Node: first in the path.
    const env = { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` };
    const child = spawn(node, [vitest, 'run', '--maxWorkers=1', ...TESTS], { cwd: root, env, stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) failed.push(major);
  }
  if (failed.length > 0) throw new Error(`✗ tests failed on Node ${failed.join(' and ')}`);
}

/** Installs a version of Node into a folder of its own, unless it is installed. Returns the path of its command. */
async function installNode(major: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = join(FOLDER, major);
  const command = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(command)) return command;
  await mkdir(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${name}@${major}`];
  await promisify(execFile)('npm', args, { cwd: folder });
  return command;
}

await runProgram(main);
