import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../db/client/database.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { describeSchema } from '../db/schema/introspect.ts';
import { migrateUp } from '../db/schema/migrate.ts';

const HELP = `Usage: npm run schema [-- --check]

Writes db/schema/schema.sql: what all migrations together make of an empty database, in a canonical order.
  --check   write nothing; exit 1 when the file is not what the migrations make`;

// The file is committed, so it is the checkout's own that counts, whether this runs from scripts/ or dist/scripts/.
const built = import.meta.dirname.endsWith(join('dist', 'scripts'));
const checkout = join(import.meta.dirname, built ? '../..' : '..');
const FILE = join(checkout, 'db', 'schema', 'schema.sql');
const HEADER = '-- Written by `npm run schema` from the catalogue of a migrated database; do not edit.\n\n';

/** The schema that the migrations make of an empty database, as the file holds it. */
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

/** Says where two texts part: the first line that differs, in both. */
function firstDifference(committed: string, made: string): string {
  const [old, now] = [committed.split('\n'), made.split('\n')];
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
  const made = await migratedSchema();
  const committed = await readFile(FILE, 'utf8').catch(() => '');
  if (made === committed) {
    console.log('db/schema/schema.sql is what the migrations make.');
  } else if (args.includes('--check')) {
    process.stderr.write(
      `db/schema/schema.sql is not what the migrations make:\n${firstDifference(committed, made)}\nRun \`npm run schema\`, look at the difference with \`git diff db/schema/schema.sql\`, and commit it.\n`,
    );
    process.exitCode = 1;
  } else {
    await writeFile(FILE, made);
    console.log('Wrote db/schema/schema.sql.');
  }
}
