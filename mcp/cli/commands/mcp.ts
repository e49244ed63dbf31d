import { createWriteStream } from 'node:fs';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { findProject, folderOfRoot } from '../project.ts';
import { readSettings } from '../settings.ts';
import { runBridge } from '../stdio.ts';

/** Options of `whitemagic mcp`. */
interface Values {
  logFile?: string;
  debug?: boolean;
}

/** Adds `whitemagic mcp`. */
export function addMcp(program: Command, cli: Cli): void {
  program
    .command('mcp')
    .summary('connect an IDE to the service: MCP over stdin and stdout')
    .description(
      'Forwards MCP messages between stdin and stdout and the service. IDEs that start a program as an MCP server run this; at a terminal it waits for messages, and ends with Ctrl-D.',
    )
    .option('--log-file <path>', 'append what happens to a file, without contents and keys (WHITEMAGIC_LOG_FILE)')
    .option('--debug', 'log to stderr (WHITEMAGIC_DEBUG=1)')
    .addHelpText(
      'after',
      `
Environment:
  WHITEMAGIC_TIMEOUT_MS           timeout of a request (60000)
  WHITEMAGIC_CONNECT_TIMEOUT_MS   how long to retry the first request if the service is down (8000)

Exit codes: 0 the client closed the input, 1 requests were left without a response, 2 wrong usage.`,
    )
    .action((values: Values) => mcpCommand(cli, values));
}

/**
 * Runs the bridge until its input ends, and ends the process: with 0, or with 1 where requests got no response of the service. Stderr
 * has one line for the project, and one whenever the connection to the service begins or ceases to fail.
 */
export async function mcpCommand(
  cli: Pick<Cli, 'env' | 'platform' | 'cwd' | 'baseDir' | 'version'>,
  values: Values = {},
): Promise<never> {
  const { env, baseDir, version } = cli;
  const isDebug = values.debug ?? env.WHITEMAGIC_DEBUG === '1';
  const log = logger(values.logFile ?? env.WHITEMAGIC_LOG_FILE, isDebug);
  const say = (line: string) => {
    log(line);
    if (!isDebug) process.stderr.write(`whitemagic: ${line}\n`);
  };
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // Neither a closed stderr nor an error of one request may end the others.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', (error) => log(`unexpected: ${error.stack ?? error.message}`));
  let project = findProject(cli, cli.cwd);
  const sayProject = () => {
    const report = project.name === undefined ? log : say;
    report(`project ${project.name ?? 'none'} (${project.from})`);
  };
  sayProject();
  const unanswered = await runBridge({
    input: process.stdin,
    output: process.stdout,
    settings: () => ({ ...readSettings(env, baseDir), project: project.name }),
    // A client on a desktop starts the bridge in the home folder, and says by MCP which folders are open.
    ...(project.name === undefined &&
      !env.WHITEMAGIC_PROJECT && {
        onRoots: (uris) => {
          const folder = uris.map(folderOfRoot).find((path) => path !== undefined);
          project = findProject(cli, cli.cwd, folder);
          sayProject();
        },
      }),
    version,
    log,
    say,
    signal: stop.signal,
    timeoutMs: milliseconds(env.WHITEMAGIC_TIMEOUT_MS, 60_000),
    retry: { handshakeMs: milliseconds(env.WHITEMAGIC_CONNECT_TIMEOUT_MS, 8_000) },
  });
  // Idle connections, and a stdin that is never closed, would keep the process running.
  if (unanswered > 0)
    say(`the input ended before the service responded to ${unanswered} request${unanswered === 1 ? '' : 's'}`);
  process.exit(unanswered > 0 ? 1 : 0);
}

/** Returns the function that logs a line to the given places. A log that cannot be written is given up. */
function logger(file: string | undefined, debug: boolean): (line: string) => void {
  const stream = file ? createWriteStream(file, { flags: 'a', mode: 0o600 }) : undefined;
  stream?.on('error', (error) => {
    process.stderr.write(`whitemagic: the log file cannot be written: ${error.message}\n`);
  });
  return (line) => {
    if (debug) process.stderr.write(`whitemagic: ${line}\n`);
    if (stream && !stream.destroyed) stream.write(`${new Date().toISOString()} ${line}\n`);
  };
}

function milliseconds(text: string | undefined, preset: number): number {
  const value = Number(text);
  // A timer of 2^31 ms or more fires at once.
  return value > 0 && value < 2 ** 31 ? value : preset;
}
