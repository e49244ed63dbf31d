import type { Command } from 'commander';
import { type Cli, CommandError } from '../cli.ts';
import { memoryApi, once, textOf } from '../memory-api.ts';

/** Options of `whitemagic forget`. */
interface Values {
  permanent?: boolean;
  undo?: boolean;
  yes?: boolean;
}

/** Adds `whitemagic forget`. */
export function addForget(program: Command, cli: Cli): void {
  program
    .command('forget')
    .summary('archive memories, or delete them for good')
    .description(
      'Archives memories: searches no longer find them, and --undo brings them back. --permanent deletes them with all versions.',
    )
    .argument('[ids...]', 'ids of memories; "-" or nothing reads them from stdin, separated by white space')
    .option('--permanent', 'delete them for good')
    .option('--undo', 'bring archived memories back')
    .option('-y, --yes', 'delete without asking')
    .action((ids: string[], values: Values) => forget(cli, ids, values));
}

async function forget(cli: Cli, given: string[], { permanent, undo, yes }: Values): Promise<void> {
  if (permanent && undo) throw new CommandError('--permanent cannot be undone: use one of the two options.', 2);
  const ids = (await textOf(cli, given, 'which memories')).split(/\s+/);
  if (permanent && !yes) {
    if (!cli.confirm)
      throw new CommandError('Nothing was deleted. Repeat the command with --yes to delete for good.', 2);
    const what = ids.length === 1 ? 'this memory' : `these ${ids.length} memories`;
    if (!(await cli.confirm(`Delete ${what} and all former versions for good? [y/N] `)))
      throw new CommandError('Nothing was deleted.');
  }
  const api = memoryApi(cli);
  for (const id of ids) {
    const path = `/memories/${encodeURIComponent(id)}`;
    if (undo) await api.call({ method: 'POST', path: `${path}/restore`, body: {}, headers: once() });
    else await api.call({ method: 'DELETE', path, query: { permanent: permanent || undefined }, headers: once() });
    cli.print(`${undo ? 'restored' : permanent ? 'deleted' : 'archived'} ${id}`);
  }
  if (!undo && !permanent) cli.note('"whitemagic forget --undo ID" brings a memory back.');
}
