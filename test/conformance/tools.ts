import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The packages of the checks, which no other part of the repository needs. The suites do not start on Node 20. */
const PACKAGES = {
  suites: [
    'conformance-older@npm:@modelcontextprotocol/conformance@0.1.16',
    '@modelcontextprotocol/conformance@0.2.0-alpha.12',
  ],
  inspector: ['@modelcontextprotocol/inspector@2.12.0'],
  frameworks: ['ai@7.0.173', '@langchain/core@1.4.0', 'zod@4.6.7'],
  node: [`node-${process.platform}-${process.arch}@22.23.3`],
  python: ['mcp==2.3.0', 'fastmcp==4.2.3', 'openai-agents==0.24.0'],
};

/** Folder in which the checks are installed once. */
const FOLDER = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'whitemagic-conformance');
const INSTALL_MS = 300_000;

/** Installs npm packages of exact versions, without their install scripts, unless they are there. Returns their node_modules. */
export async function installPackages(name: 'suites' | 'inspector' | 'frameworks'): Promise<string> {
  const packages = [...PACKAGES[name], ...PACKAGES.node];
  const folder = join(FOLDER, name);
  const marker = join(folder, `${Buffer.from(packages.join(' ')).toString('base64url').slice(-80)}.installed`);
  if (!existsSync(marker)) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
    const args = [
      'install',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--no-package-lock',
      '--save-exact',
      ...packages,
    ];
    await run('npm', args, { cwd: folder, timeout: INSTALL_MS });
    await writeFile(marker, '');
  }
  return join(folder, 'node_modules');
}

/** Installs the Python clients in a virtual environment, unless they are there. Returns its interpreter. */
export async function installPython(): Promise<string> {
  const folder = join(FOLDER, 'python');
  const python = join(folder, 'bin', 'python');
  const marker = join(folder, `${PACKAGES.python.join('+')}.installed`);
  if (!existsSync(marker)) {
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS });
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES.python], {
      timeout: INSTALL_MS,
    });
    await writeFile(marker, '');
  }
  return python;
}

/** Runs a script on the Node of the installed packages. Resolves to its output, whatever its exit code. */
export async function runOnNewerNode(modules: string, script: string, args: string[], timeoutMs: number) {
  const node = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  try {
    const { stdout, stderr } = await run(node, [join(modules, script), ...args], {
      timeout: timeoutMs,
      maxBuffer: 2 ** 26,
    });
    return { code: 0, output: stdout, log: stderr };
  } catch (error) {
    const { code, stdout, stderr, killed } = error as {
      code?: number;
      stdout: string;
      stderr: string;
      killed?: boolean;
    };
    if (killed || typeof code !== 'number') throw error;
    return { code, output: stdout, log: stderr };
  }
}
