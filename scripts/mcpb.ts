import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mcpbManifest } from './mcpb/manifest.ts';
import { root } from './program.ts';

/*
 * Builds the bundle that Claude Desktop installs by a double click: the command line with a manifest. The tool of the format, which npm
 * installs on first use, validates and packs it.
 */

const TOOL = '@anthropic-ai/mcpb@2.1.2';

function main(): void {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', short: 'o' },
      folder: { type: 'string', default: join(tmpdir(), 'whitemagic-mcpb') },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(
      'Usage: npm run mcpb [-- --output FILE] [--folder PATH]\n\n  --folder PATH   where the tool is installed and kept',
    );
    return;
  }
  const tool = installTool(values.folder);
  const { version } = JSON.parse(readFileSync(join(root, 'mcp/cli/package.json'), 'utf8')) as { version: string };
  const output = values.output ?? join(root, 'dist', `whitemagic-${version}.mcpb`);
  const staged = mkdtempSync(join(tmpdir(), 'whitemagic-bundle-'));
  try {
    cpSync(join(root, 'mcp/cli/dist'), join(staged, 'dist'), { recursive: true });
    for (const file of ['README.md', 'LICENSE', 'package.json'])
      cpSync(join(root, 'mcp/cli', file), join(staged, file));
    writeFileSync(join(staged, 'manifest.json'), `${JSON.stringify(mcpbManifest(version), null, 2)}\n`);
    run(tool, 'validate', join(staged, 'manifest.json'));
    run(tool, 'pack', staged, output);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
  console.log(`${output}: ${Math.round(statSync(output).size / 1_000)} kB`);
}

/** Installs the tool, unless it is there. Its scripts are not run. Returns its path. */
function installTool(folder: string): string {
  const tool = join(folder, 'node_modules/.bin/mcpb');
  if (existsSync(tool)) return tool;
  mkdirSync(folder, { recursive: true });
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', '--prefix', folder, ...options, TOOL], { stdio: ['ignore', 2, 2] });
  return tool;
}

function run(tool: string, ...args: string[]): void {
  execFileSync(tool, args, { stdio: ['ignore', 2, 2] });
}

main();
