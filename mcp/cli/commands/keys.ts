import type { Command } from 'commander';
import type { ApiKey } from '../../clients/typescript/src/generated/types.ts';
import { type Cli, CommandError } from '../cli.ts';
import { memoryApi, once } from '../memory-api.ts';
import { type Column, tableLines } from '../output/table.ts';
import { day } from '../output/text.ts';
import { collect } from './remember.ts';

/** Options of `whitemagic keys create`. */
interface CreateValues {
  scope?: string[];
  project?: string[];
  expires?: string;
}

const COLUMNS: Column<ApiKey>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name, isWide: true },
  { title: 'KEY', value: ({ prefix, last4 }) => `${prefix}…${last4}` },
  { title: 'LAST USED', value: ({ last_used_at: at }) => (at ? day(at) : 'never') },
  { title: 'STATE', value: ({ active, expires_at: at }) => (active ? (at ? `until ${day(at)}` : 'active') : 'ended') },
];

/** Adds `whitemagic keys`. */
export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command('keys').summary('list, create, rotate and revoke API keys');
  keys
    .command('list', { isDefault: true })
    .summary('list the keys of the account')
    .option('--json', 'print the response as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await memoryApi(cli).call<{ results: ApiKey[] }>({ path: '/user/keys' });
      if (json) cli.print(JSON.stringify(found, null, 2));
      else for (const line of tableLines(cli, COLUMNS, found.results)) cli.print(line);
    });
  keys
    .command('create')
    .summary('create a key and print it; it is shown only once')
    .argument('<name>', 'name of the key')
    .option('--scope <scope>', 'memories:read, memories:write, account:read or keys:write; may be repeated', collect)
    .option('--project <name>', 'bind the key to this project; may be repeated', collect)
    .option('--expires <date>', 'date from which it no longer works')
    .action(async (name: string, { scope, project, expires }: CreateValues) => {
      const body = {
        name,
        ...(scope && { scopes: scope }),
        ...(project && { projects: project }),
        ...(expires && { expires_at: expires }),
      };
      showNew(cli, await memoryApi(cli).call({ method: 'POST', path: '/user/keys', body, headers: once() }));
    });
  keys
    .command('rotate')
    .summary('replace a key by a new one and print it')
    .argument('<id>', 'id of the key')
    .option('-y, --yes', 'do not ask')
    .action(async (id: string, { yes }: { yes?: boolean }) => {
      await confirmed(cli, yes, 'Replace this key? What uses it needs the new one.');
      const path = `/user/keys/${encodeURIComponent(id)}/rotate`;
      showNew(cli, await memoryApi(cli).call({ method: 'POST', path, body: {}, headers: once() }));
    });
  keys
    .command('revoke')
    .summary('end a key at once')
    .argument('<id>', 'id of the key')
    .option('-y, --yes', 'do not ask')
    .action(async (id: string, { yes }: { yes?: boolean }) => {
      await confirmed(cli, yes, 'Revoke this key? What uses it no longer works.');
      await memoryApi(cli).call({ method: 'DELETE', path: `/user/keys/${encodeURIComponent(id)}` });
      cli.print(`revoked ${id}`);
    });
}

/** Prints the key alone on stdout, so that a script can store it. */
function showNew(
  cli: Cli,
  { api_key, name, scopes, projects }: Pick<ApiKey, 'name' | 'scopes' | 'projects'> & { api_key: string },
): void {
  cli.print(api_key);
  cli.note(
    `${name}: ${scopes.join(', ')}${projects ? `; projects ${projects.join(', ')}` : ''}. It is not shown again.`,
  );
}

async function confirmed(cli: Cli, yes: boolean | undefined, question: string): Promise<void> {
  if (yes) return;
  if (!cli.confirm) throw new CommandError('Nothing was changed. Repeat the command with --yes.', 2);
  if (!(await cli.confirm(`${question} [y/N] `))) throw new CommandError('Nothing was changed.');
}
