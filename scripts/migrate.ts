import { readConfig } from '../api/config.ts';
import { type MigrationStatus, migrateDown, migrateUp, migrationStatus } from '../db/schema/migrate.ts';
import { withOwnerUrl } from './open-database.ts';

const HELP = `Usage: whitemagic-server migrate <command>

  up             applies the pending migrations, and creates the partitions of the days ahead
  down [--all]   reverts the newest migration, or all of them, with their data
  status         lists the applied and the pending migrations; changes nothing

Uses DATABASE_OWNER_URL or DATABASE_URL, or else the embedded database in DATA_DIR, whether a service runs or not.`;

type Command = 'up' | 'down' | 'status';

/** Parses the arguments. Returns undefined when they are invalid. */
function parse(args: readonly string[]): { command: Command; all: boolean } | undefined {
  const flags = args.filter((arg) => arg.startsWith('-'));
  const [command, ...more] = args.filter((arg) => !arg.startsWith('-'));
  if (command !== 'up' && command !== 'down' && command !== 'status') return undefined;
  const known = command === 'down' ? ['--all'] : [];
  return more.length > 0 || flags.some((flag) => !known.includes(flag))
    ? undefined
    : { command, all: flags.length > 0 };
}

async function execute(command: Command, all: boolean, url: string): Promise<string> {
  if (command === 'status') return table(await migrationStatus(url));
  const names = command === 'up' ? await migrateUp(url) : await migrateDown(url, all);
  const done = command === 'up' ? 'Applied' : 'Reverted';
  const nothing = command === 'up' ? 'Nothing to apply: the database is current.' : 'Nothing to revert.';
  return names.length === 0 ? nothing : [`${done}:`, ...names.map((name) => `  ${name}`)].join('\n');
}

function table({ applied, pending }: MigrationStatus): string {
  const width = Math.max(...[...applied, ...pending].map((name) => name.length));
  const row = (state: string) => (name: string) => `  ${name.padEnd(width)}  ${state}`;
  const summary =
    pending.length === 0 ? 'The database is current.' : `${pending.length} to apply: whitemagic-server migrate up`;
  return [...applied.map(row('applied')), ...pending.map(row('pending')), '', summary].join('\n');
}

const args = process.argv.slice(2);
const parsed = parse(args);
if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP);
} else if (!parsed) {
  process.stderr.write(`${HELP}\n`);
  process.exitCode = 2;
} else {
  try {
    console.log(await withOwnerUrl(readConfig(), (url) => execute(parsed.command, parsed.all, url)));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
