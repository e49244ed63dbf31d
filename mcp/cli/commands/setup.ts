import { type Command, InvalidArgumentError, Option } from 'commander';
import { CLIENT_IDS, type ClientId } from '../../client-setup/client-ids.ts';
import { CLIENTS, type Client, clientOf } from '../../client-setup/clients.ts';
import type { Edit, Folders } from '../../client-setup/edits.ts';
import { HOOKS, hookEdits } from '../../client-setup/hooks.ts';
import { ApiError, createApi } from '../api.ts';
import { Failure } from '../bridge/failure.ts';
import { resolveTarget } from '../bridge/target.ts';
import { type Cli, CommandError, settingsOf } from '../cli.ts';
import { findCredentials, storeCredentials } from '../credentials.ts';
import { clientFolders } from '../folders.ts';
import { type BridgeCommand, bridgeCommand, copyProgram } from '../setup/bridge-command.ts';
import { type Change, changesOf, writeChange } from '../setup/change.ts';
import { isInstalled } from '../setup/detect.ts';
import { ALLOWANCES, type Allowance, connectEdits, connectionOf, removableEdits, toolsOf } from '../setup/plan.ts';
import { RULE_SCOPES, type RuleScope, rulesEdits } from '../setup/rules.ts';
import { showChange } from '../setup/show-change.ts';
import { login } from './login.ts';

/** Options of `whitemagic setup`. */
interface Values {
  url?: string;
  client?: ClientId[];
  project?: string;
  http?: boolean;
  allow: Allowance;
  rules?: RuleScope | true;
  hooks?: boolean;
  remove?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  browser: boolean;
}

/** Adds `whitemagic setup`. */
export function addSetup(program: Command, cli: Cli): void {
  program
    .command('setup')
    .summary('add the memory to the clients on this computer')
    .description(
      'Finds the clients that are installed, shows what it would change in their settings, and asks. A copy of each file is kept beside it; comments and other entries stay as they are. The memory then works in every folder.',
    )
    .option('--url <url>', 'address of the service (otherwise that of the environment or of the last login)')
    .option('--client <id>', `only this client; may be repeated: ${CLIENT_IDS.join(', ')}`, collectClients)
    .option(
      '--project <name>',
      'default project of every call (otherwise that of the folder in which the client works)',
    )
    .option('--http', 'write the address and the key into the settings of the client, without the bridge')
    .addOption(
      new Option('--allow <tools>', 'tools that the client may run without a question')
        .choices(ALLOWANCES)
        .default('read'),
    )
    .addOption(
      new Option(
        '--rules [where]',
        'also add lines that make agents use the memory, to the instructions of the user or of this folder (CLAUDE.md, AGENTS.md, …)',
      )
        .choices(RULE_SCOPES)
        .preset('user'),
    )
    .option(
      '--hooks',
      'also let the client recall and store by itself: the context of the project when a session begins, and a question what to keep; clients without hooks get the lines of --rules',
    )
    .option('--remove', 'remove everything that setup has added; with --hooks only the hooks')
    .option('--dry-run', 'show the changes only')
    .option('-y, --yes', 'change the files without asking')
    .option('--no-browser', 'print the address of the login instead of opening it')
    .action(async (values: Values) => {
      cli.exitCode = await (values.remove ? removeSetup(cli, values) : setUp(cli, values));
    });
}

function collectClients(value: string, former: ClientId[] = []): ClientId[] {
  const ids = value.split(',').map((id) => id.trim());
  const unknown = ids.find((id) => !CLIENT_IDS.includes(id as ClientId));
  if (unknown !== undefined) throw new InvalidArgumentError(`Known are ${CLIENT_IDS.join(', ')}.`);
  return [...former, ...(ids as ClientId[])];
}

async function setUp(cli: Cli, values: Values): Promise<number> {
  const clients = chosenClients(cli, values.client);
  const bridge = bridgeCommand(cli.script, cli);
  const reach = await reachOf(cli, values);
  const folders = clientFolders(cli);
  const tools = toolsOf(values.allow);
  const plans = clients.map((client) => ({
    client,
    edits: [
      ...connectEdits(client, folders, connectionOf(client, reach, bridge), tools),
      ...(values.rules ? rulesEdits(client, folders, values.rules === true ? 'user' : values.rules, cli.cwd) : []),
      ...(values.hooks ? unaskedEdits(client, folders, bridge, cli.cwd) : []),
    ],
  }));
  const { changes, failures } = collectChanges(
    plans.map(({ client, edits }) => [client, edits]),
    'add',
  );
  const isWritten = await proceed(cli, values, changes);
  if (isWritten) {
    if (bridge.copy && (needsBridge(clients, values) || values.hooks)) copyProgram(bridge.copy);
    if (values.hooks && clients.some(({ id }) => id === 'codex'))
      cli.print('Codex asks you to trust the new hooks: /hooks.');
    report(cli, clients, failures);
  }
  for (const failure of failures) cli.note(`whitemagic: ${failure}`);
  return failures.length > 0 || (changes.length > 0 && !isWritten && !values.dryRun) ? 1 : 0;
}

async function removeSetup(cli: Cli, values: Values): Promise<number> {
  const folders = clientFolders(cli);
  const clients = values.client?.map(clientOf) ?? CLIENTS;
  const { changes, failures } = collectChanges(
    clients.map((client) => [
      client,
      values.hooks
        ? unaskedEdits(client, folders, undefined, cli.cwd)
        : [
            ...removableEdits(client, folders),
            ...hookEdits(client.id, folders, ''),
            ...RULE_SCOPES.flatMap((scope) => rulesEdits(client, folders, scope, cli.cwd)),
          ],
    ]),
    'remove',
  );
  const isWritten = await proceed(cli, values, changes);
  if (isWritten) {
    cli.print(values.hooks ? 'Removed the hooks.' : 'Removed. The key stays: "whitemagic logout" deletes it.');
  }
  for (const failure of failures) cli.note(`whitemagic: ${failure}`);
  return failures.length > 0 || (changes.length > 0 && !isWritten && !values.dryRun) ? 1 : 0;
}

/** Returns the edits that make a client recall and store unasked: hooks, or lines in its instructions where it has none. */
function unaskedEdits(client: Client, folders: Folders, bridge: BridgeCommand | undefined, cwd: string): Edit[] {
  if (!HOOKS[client.id]) return rulesEdits(client, folders, 'user', cwd);
  const words = bridge ? [bridge.command, ...bridge.args.slice(0, -1)] : [];
  return hookEdits(client.id, folders, words.map((word) => `"${word}"`).join(' '));
}

/** Computes the changes of each client. One whose file cannot be changed does not stop the others. */
function collectChanges(plans: (readonly [Client, Parameters<typeof changesOf>[0]])[], action: 'add' | 'remove') {
  const failures: string[] = [];
  const edits = plans.flatMap(([client, own]) => {
    try {
      changesOf(own, action);
      return own;
    } catch (error) {
      failures.push(`${client.name}: ${error instanceof Error ? error.message : error}`);
      return [];
    }
  });
  return { changes: changesOf(edits, action), failures };
}

/** Shows the changes, asks, and makes them. Returns whether the files are as wanted. */
async function proceed(cli: Cli, values: Values, changes: Change[]): Promise<boolean> {
  if (changes.length === 0) {
    cli.print('Nothing to change.');
    return !values.remove;
  }
  for (const change of changes) {
    cli.print(
      `${change.before === undefined ? 'new file ' : change.after === undefined ? 'delete   ' : 'change   '}${change.path}`,
    );
    for (const line of showChange(change)) cli.print(`  ${line}`);
    cli.print('');
  }
  if (values.dryRun) return false;
  if (!values.yes && !cli.confirm) {
    cli.note('Nothing was changed. Repeat the command with --yes to change these files.');
    return false;
  }
  if (
    !values.yes &&
    !(await cli.confirm?.(`Change ${changes.length === 1 ? 'this file' : `these ${changes.length} files`}? [y/N] `))
  )
    return false;
  const stamp = new Date();
  for (const change of changes) {
    const isSecret = /\bwm_[a-z0-9]+_[0-9A-Za-z]{32}\b/.test(change.after ?? '');
    const backup = writeChange(change, { stamp, isSecret });
    if (backup) cli.note(`kept the former file as ${backup}`);
  }
  return true;
}

function report(cli: Cli, clients: readonly Client[], failures: readonly string[]): void {
  const done = clients.filter(({ name }) => !failures.some((failure) => failure.startsWith(`${name}:`)));
  for (const { name, next } of done) cli.print(`${name.padEnd(15)} set up. ${next}`);
  if (done.length > 0)
    cli.print('Then say: "remember that we deploy on Fridays". If it does not work: whitemagic doctor');
}

function needsBridge(clients: readonly Client[], { http }: Values): boolean {
  return !http || clients.some(({ hasHttp }) => !hasHttp);
}

function chosenClients(cli: Cli, ids: ClientId[] | undefined): Client[] {
  if (ids) return [...new Set(ids)].map(clientOf);
  const folders = clientFolders(cli);
  const found = CLIENTS.filter((client) => isInstalled(client, folders, cli));
  if (found.length === 0) throw new CommandError(`No client was found. Name one: --client ${CLIENT_IDS.join('|')}`);
  cli.note(`Found: ${found.map(({ name }) => name).join(', ')}.`);
  return found;
}

/** Finds the address and the key: of the environment, stored, or by a login. A key is checked before anything is written. */
async function reachOf(cli: Cli, values: Values) {
  const settings = settingsOf(cli, values.url);
  if (!settings.url) throw new CommandError('Say which service: whitemagic setup --url https://...', 2);
  const { base: url } = resolveTarget({ ...settings, key: settings.key ?? 'none' });
  const options = { project: values.project, isDirect: values.http === true };
  if (values.dryRun) return { ...options, url, key: settings.key ?? 'YOUR_API_KEY' };
  const key = settings.key ?? (await login(cli, url, values.browser)).key;
  await checkKey(cli, url, key);
  // The bridge finds it there, and not in the files of clients.
  if (findCredentials(cli, url)?.key !== key) storeCredentials(cli, { url, key });
  return { ...options, url, key };
}

/** Rejects a key that the service rejects. While the service cannot be reached, the setup goes on. */
async function checkKey(cli: Cli, url: string, key: string): Promise<void> {
  try {
    await createApi({ url, key }, cli).call({ path: '/user/me' });
  } catch (error) {
    if (error instanceof Failure) return cli.note(`${error.message} The key was not checked.`);
    if (!(error instanceof ApiError) || error.status === 401)
      throw new CommandError(`${url} rejected the key: ${error instanceof Error ? error.message : error}`);
  }
}
