import type { Writable } from 'node:stream';
import type { Host } from './folders.ts';
import { findProject } from './project.ts';
import { type FoundSettings, readSettings } from './settings.ts';

/** The process and the terminal as a command uses them. Tests give their own. */
export interface Cli extends Host {
  cwd: string;
  /** Path of the running program. */
  script: string;
  /** Folder of the checkout or the package. */
  baseDir: string;
  version: string;
  /** Prints the result. */
  print(line: string): void;
  /** Prints progress and remarks, apart from the result. */
  note(line: string): void;
  /** Shows a state on one line of the terminal, in place of the former one; undefined without a terminal. Empty removes it. */
  status: ((line: string) => void) | undefined;
  /** Stream of the result, for content that is not text. */
  output: Writable;
  /** Asks for a confirmation; undefined without a terminal. */
  confirm: ((question: string) => Promise<boolean>) | undefined;
  /** Reads what is piped into the command; undefined where nothing is. */
  input: (() => Promise<string>) | undefined;
  /** Width of the terminal in columns; undefined where the output is not a terminal. */
  columns: number | undefined;
  /** Opens an address in the browser. Returns false where there is none. */
  openBrowser(url: string): boolean;
  /** Opens a file in the person's editor. Resolves to its exit code. */
  openEditor(path: string): Promise<number>;
  /** Waits. */
  delay(ms: number): Promise<void>;
  /** Exit code, which the command sets. */
  exitCode: number;
}

/** Exit codes beyond 0 (done), 1 (failed) and 2 (wrong usage). */
export const NOTHING_FOUND = 3;
export const NOT_ALLOWED = 4;
export const UNREACHABLE = 5;

/** A failure of a command, with a message for people. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly exitCode: number;

  /** @param exitCode 1: it failed; 2: it was called in a wrong way */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Reads the settings of a command, with the project of the folder it runs in. An address that the command was given comes before that of the environment. */
export function settingsOf(cli: Cli, url?: string): FoundSettings {
  const env = url === undefined ? cli.env : { ...cli.env, WHITEMAGIC_URL: url };
  return { ...readSettings(env, cli.baseDir, cli.platform), project: findProject(cli, cli.cwd).name };
}
