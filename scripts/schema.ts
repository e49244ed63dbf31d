import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../db/client/database.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { describeSchema } from '../db/schema/introspect.ts';
import { migrateUp } from '../db/schema/migrate.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run schema [-- --check]

Writes db/schema/schema.sql: the schema that the migrations create in an empty database, in a canonical order.
  --check   writes nothing, and exits with 1 when the file is out of date`;

const FILE = join(root, 'db', 'schema', 'schema.sql');
const HEADER = '-- Written by `npm run schema` from the system catalog of a migrated database; do not edit.\n\n';

/** Returns the content of the file for the current migrations. */
async function migratedSchema(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-schema-'));
  try {
    const embedded = await startEmbedded({ dataDir, log: () => undefined });
    try {
      await migrateUp(embedded.url);
      const database = connect({ url: embedded.url, onError: () => undefined });
      return HEADER + (await describeSchema(database.owner).finally(() => database.close()));
    } finally {
      await embedded.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Describes the first line in which two texts differ. */
function firstDifference(committed: string, expected: string): string {
  const [old, now] = [committed.split('\n'), expected.split('\n')];
  const line = now.findIndex((text, index) => text !== old[index]);
  const at = line === -1 ? now.length : line;
  return `  line ${at + 1}\n  - ${old[at] ?? '(end of the file)'}\n  + ${now[at] ?? '(end of the file)'}`;
}

const args = process.argv.slice(2);
const unknown = args.filter((arg) => !['--check', '--help', '-h'].includes(arg));
if (unknown.length > 0) {
  process.stderr.write(`Unknown argument ${unknown.join(' ')}\n\n${HELP}\n`);
  process.exitCode = 2;
} else if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP);
} else {
  const expected = await migratedSchema();
  const committed = await readFile(FILE, 'utf8').catch(() => '');
  if (expected === committed) {
    console.log('db/schema/schema.sql is up to date.');
  } else if (args.includes('--check')) {
    process.stderr.write(
      `db/schema/schema.sql is out of date:\n${firstDifference(committed, expected)}\nRun \`npm run schema\`, review \`git diff db/schema/schema.sql\`, and commit it.\n`,
    );
    process.exitCode = 1;
  } else {
    await writeFile(FILE, expected);
    console.log('Wrote db/schema/schema.sql.');
  }
}
