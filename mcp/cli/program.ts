import { Command, CommanderError } from 'commander';
import { ApiError } from './api.ts';
import { Failure } from './bridge/failure.ts';
import { type Cli, CommandError, NOT_ALLOWED, NOTHING_FOUND, UNREACHABLE } from './cli.ts';
import { addCompletion } from './commands/completion.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEdit } from './commands/edit.ts';
import { addExport } from './commands/export.ts';
import { addForget } from './commands/forget.ts';
import { addHook } from './commands/hook.ts';
import { addImport } from './commands/import.ts';
import { addKeys } from './commands/keys.ts';
import { addList } from './commands/list.ts';
import { addLogin, addLogout } from './commands/login.ts';
import { addMcp } from './commands/mcp.ts';
import { addOpen } from './commands/open.ts';
import { addRemember } from './commands/remember.ts';
import { addContext, addSearch } from './commands/search.ts';
import { addSetup } from './commands/setup.ts';
import { addShow } from './commands/show.ts';
import { addUsage } from './commands/usage.ts';

const ENVIRONMENT = `
Environment:
  WHITEMAGIC_URL          address of the service (otherwise that of "whitemagic login"; in a checkout, of "npm start")
  WHITEMAGIC_API_KEY      your API key, wm_... (otherwise that of "whitemagic login"; in a checkout, of "npm start")
  WHITEMAGIC_PROJECT      project (otherwise that of .whitemagic.json, of the git remote, or the name of the folder; "none": no project)
  HTTPS_PROXY, NO_PROXY   proxy to use, such as http://user:password@proxy:8080, and hosts without it
  NODE_EXTRA_CA_CERTS     certificate file of a corporate proxy
  VISUAL, EDITOR          editor of "remember" and "edit"
  NO_COLOR                no colors

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found, 4 key missing or without the right, 5 service unreachable.
At a terminal, lists are tables; elsewhere their columns are separated by tabs, and --json prints everything.`;

/** Commands by their heading in the help. */
const GROUPS = {
  'Connect a client:': [addSetup, addLogin, addLogout, addDoctor, addMcp],
  'Memories:': [addRemember, addSearch, addContext, addList, addShow, addEdit, addForget, addImport, addExport],
  'Account:': [addUsage, addKeys, addOpen, addCompletion],
};

/** Builds the command with all of its subcommands. */
export function buildProgram(cli: Cli): Command {
  const width = Math.min(cli.columns ?? 100, 120);
  const program = new Command('whitemagic')
    .description(`WhiteMagic ${cli.version}: a memory for AI agents`)
    .version(cli.version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ helpWidth: width })
    .configureOutput({
      writeOut: (text) => cli.print(text.trimEnd()),
      writeErr: (text) => cli.note(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'whitemagic: ')),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', ENVIRONMENT);
  for (const [title, adds] of Object.entries(GROUPS)) {
    program.commandsGroup(title);
    for (const add of adds) add(program, cli);
  }
  addHook(program, cli);
  for (const command of program.commands) command.showHelpAfterError(`See whitemagic ${command.name()} --help.`);
  return program.showHelpAfterError('See whitemagic --help.');
}

/** Runs the command line and resolves to its exit code. What a person can correct is printed, and does not reject. */
export async function runProgram(args: readonly string[], cli: Cli): Promise<number> {
  cli.exitCode = 0;
  try {
    await buildProgram(cli).parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CommandError || error instanceof Failure || isSystemError(error))) throw error;
    cli.note(`whitemagic: ${error.message}`);
    return exitCodeOf(error);
  }
}

/** Returns the exit code of a failure. */
function exitCodeOf(error: Error): number {
  const status = error instanceof ApiError ? error.status : error instanceof Failure ? error.details.status : undefined;
  if (status === 401 || status === 403) return NOT_ALLOWED;
  if (status === 404 && error instanceof ApiError) return NOTHING_FOUND;
  if (error instanceof CommandError) return error.exitCode;
  if (!(error instanceof Failure) || error.kind === 'bad_response' || error.kind === 'rejected') return 1;
  return error.kind === 'not_configured' ? NOT_ALLOWED : UNREACHABLE;
}

/** Checks for an error of the file system, such as a missing file. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
