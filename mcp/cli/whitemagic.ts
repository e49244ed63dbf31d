#!/usr/bin/env node
import { basename } from 'node:path';
import { mcpCommand } from './commands/mcp.ts';
import { baseDir, version } from './version.ts';

/**
 * Returns the arguments. Only a symbolic link keeps the name `whitemagic-mcp`; the shims of Windows and pnpm do not, so without
 * arguments the bridge also runs if stdin is not a terminal, which is how an IDE starts it.
 */
function argumentsOf(program: string, args: string[]): string[] {
  const isBridge = program.startsWith('whitemagic-mcp');
  if (args[0] === undefined) return isBridge || !process.stdin.isTTY ? ['mcp'] : ['--help'];
  return isBridge && args[0] !== 'mcp' ? ['mcp', ...args] : args;
}

async function main(args: string[]): Promise<number> {
  const { env, platform } = process;
  // The IDE waits for the start of the bridge, which needs none of the rest.
  if (args.length === 1 && args[0] === 'mcp')
    return mcpCommand({ env, platform, cwd: process.cwd(), baseDir, version });
  const [{ runProgram }, { createCli }] = await Promise.all([import('./program.ts'), import('./process-cli.ts')]);
  return runProgram(args, createCli({ baseDir, version }));
}

process.exitCode = await main(argumentsOf(basename(process.argv[1] ?? ''), process.argv.slice(2)));
