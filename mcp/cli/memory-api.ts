import { randomUUID } from 'node:crypto';
import { type Api, createApi } from './api.ts';
import { type Cli, CommandError, settingsOf } from './cli.ts';

/** Options of the commands that work with memories. */
export interface MemoryOptions {
  project?: string;
  json?: boolean;
}

/** Returns the calls of the service, with the project of the folder as the default. */
export function memoryApi(cli: Cli): Api {
  return createApi(settingsOf(cli), cli);
}

/** Returns the project of a filter: a name, "none" for no project, or "*" for all of them. Undefined: the default one. */
export function projectFilter(project: string | undefined): { project?: string | null } {
  if (project === undefined) return {};
  return { project: project === 'none' ? null : project };
}

/** Returns headers that make a write happen once, however often it is sent. */
export function once(): Record<string, string> {
  return { 'Idempotency-Key': randomUUID() };
}

/** Returns the words of an argument, or what is piped into the command for none or "-". @throws CommandError with neither */
export async function textOf(cli: Cli, words: readonly string[], what: string): Promise<string> {
  const isPiped = words.length === 0 || (words.length === 1 && words[0] === '-');
  const text = isPiped ? await cli.input?.() : words.join(' ');
  if (text === undefined || text.trim() === '')
    throw new CommandError(`Say ${what}: as an argument, or piped into the command.`, 2);
  return text.trim();
}
