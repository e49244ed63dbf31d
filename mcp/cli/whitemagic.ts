#!/usr/bin/env node
import { basename } from 'node:path';
import { readSettings } from './settings.ts';
import { runBridge } from './stdio.ts';
import { baseDir, version } from './version.ts';

const help = `WhiteMagic ${version}: a memory for AI agents

Usage: whitemagic <command>

  mcp       connect an IDE to the service: MCP over stdin and stdout
  doctor    check the URL, the key and the connection
  import    import memories from a file or folder; see whitemagic import --help

  --help, --version

Environment
  WHITEMAGIC_URL                  URL of the service (in a checkout: written by "npm start")
  WHITEMAGIC_API_KEY              your API key, wm_... (in a checkout: written by "npm start")
  WHITEMAGIC_PROJECT              default project of every call
  WHITEMAGIC_TIMEOUT_MS           timeout of a request (60000)
  WHITEMAGIC_CONNECT_TIMEOUT_MS   how long to retry the first request if the service is down (8000)
  WHITEMAGIC_DEBUG=1              log to stderr
  NODE_EXTRA_CA_CERTS             certificate file of a corporate proxy; with Node 24 also set NODE_USE_ENV_PROXY=1
`;

/** Runs a command and resolves to its exit code. */
const commands: { [name: string]: () => Promise<number> } = {
  mcp,
  doctor: async () => {
    // Loaded only here, since the IDE waits for the start of the bridge.
    const { doctor } = await import('./doctor.ts');
    return doctor(readSettings(process.env, baseDir), version, console.log);
  },
  import: async () => {
    const { importCommand } = await import('./import.ts');
    const terminal = {
      print: (line: string) => void process.stdout.write(`${line}\n`),
      note: (line: string) => void process.stderr.write(`${line}\n`),
      confirm: process.stdin.isTTY ? confirm : undefined,
    };
    return importCommand(process.argv.slice(3), readSettings(process.env, baseDir), terminal);
  },
};

async function mcp(): Promise<never> {
  const debug = process.env.WHITEMAGIC_DEBUG === '1';
  const log = (line: string) => (debug ? void process.stderr.write(`whitemagic: ${line}\n`) : undefined);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // Neither a closed stderr nor an error of one request may end the others.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', (error) => log(`unexpected: ${error.stack ?? error.message}`));
  await runBridge({
    input: process.stdin,
    output: process.stdout,
    settings: () => readSettings(process.env, baseDir),
    version,
    log,
    signal: stop.signal,
    timeoutMs: milliseconds('WHITEMAGIC_TIMEOUT_MS', 60_000),
    retry: { handshakeMs: milliseconds('WHITEMAGIC_CONNECT_TIMEOUT_MS', 8_000) },
  });
  // Idle connections, and a stdin that is never closed, would keep the process running.
  process.exit(0);
}

/** Asks a question on the terminal. Only "y" and "yes" confirm. */
async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await terminal.question(question).finally(() => terminal.close());
  return /^y(es)?$/i.test(reply.trim());
}

function milliseconds(name: string, preset: number): number {
  const value = Number(process.env[name]);
  // A timer of 2^31 ms or more fires at once.
  return value > 0 && value < 2 ** 31 ? value : preset;
}

/**
 * Returns the name of the command. Only a symbolic link keeps the name `whitemagic-mcp`; the shims of Windows and pnpm
 * do not, so without a command the bridge also runs if stdin is not a terminal, which is how an IDE starts it.
 */
function commandOf(program: string, args: string[]): string {
  const asBridge = program.startsWith('whitemagic-mcp');
  if (args[0]?.startsWith('-') || (args[0] !== undefined && !asBridge)) return args[0];
  return asBridge || !process.stdin.isTTY ? 'mcp' : '--help';
}

async function main(name: string): Promise<number> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return command();
  if (/^(--help|-h|help)$/.test(name)) process.stdout.write(help);
  else if (/^(--version|-v)$/.test(name)) process.stdout.write(`${version}\n`);
  else {
    process.stderr.write(`whitemagic: unknown command "${name}". See whitemagic --help.\n`);
    return 2;
  }
  return 0;
}

process.exitCode = await main(commandOf(basename(process.argv[1] ?? ''), process.argv.slice(2)));
