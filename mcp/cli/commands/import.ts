import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { ImportsGetOutput } from '../../clients/typescript/src/generated/types.ts';
import { createApi } from '../api.ts';
import { type Cli, CommandError, settingsOf } from '../cli.ts';
import { createImportApi } from '../import-api.ts';
import { createProgress } from '../output/progress.ts';
import { packFolder } from '../pack-folder.ts';

const CHUNK_BYTES = 524_288;
const POLL_MS = 500;
const SHOWN_FINDINGS = 10;

/** Options of `whitemagic import`. */
interface Values {
  yes?: boolean;
  dryRun?: boolean;
  json?: boolean;
  project?: string;
  type?: string;
  format?: string;
  tag?: string[];
  map?: string[];
}

/** Adds `whitemagic import`. */
export function addImport(program: Command, cli: Cli): void {
  program
    .command('import')
    .summary('import memories from a file or folder')
    .description(
      'Imports memories. The format is detected: an account export of WhiteMagic, server-memory, mem0, supermemory, Zep, Markdown (also CLAUDE.md, Cursor rules, basic-memory), CSV, JSON lines. First it checks the file and says what would be imported, what does not fit, and what it costs.',
    )
    .argument('<path>', 'file or folder')
    .option('-y, --yes', 'import after the check without asking')
    .option('--dry-run', 'check only')
    .option('--project <name>', 'project of the memories that have none')
    .option('--tag <name>', 'tag of each new memory; may be repeated', collect)
    .option('--type <type>', 'short_term or long_term, for memories that have none')
    .option('--format <name>', 'whitemagic, server_memory, mem0, supermemory, zep, markdown, csv or jsonl')
    .option('--map <field=column>', 'column of CSV or key of JSON lines that gives a field; may be repeated', collect)
    .option('--json', 'print the result as JSON')
    .action(async (path: string, values: Values) => {
      cli.exitCode = await importPath(path, values, cli);
    });
}

/** Collects the values of an option that may be repeated. */
function collect(value: string, former: string[] = []): string[] {
  return [...former, value];
}

async function importPath(path: string, values: Values, cli: Cli): Promise<number> {
  const isFolder = (await stat(path)).isDirectory();
  const file = isFolder ? await packFolder(path, cli.note) : await readFile(path);
  if (file.length === 0)
    throw new CommandError(isFolder ? 'the folder has no Markdown or text files' : 'the file is empty');
  const api = createImportApi(createApi(settingsOf(cli), cli));
  const started = await api.start({
    name: basename(path) || 'import',
    ...(values.project && { project: values.project }),
    ...(values.type && { type: values.type }),
    ...((values.format || isFolder) && { format: values.format ?? 'markdown' }),
    ...(values.tag && { tags: values.tag }),
    ...(values.map && { mapping: Object.fromEntries(values.map.map(mappingOf)) }),
  });
  const progress = createProgress(cli);
  for (let n = 0; n * CHUNK_BYTES < file.length; n++) {
    await api.upload(started.id, n, file.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
    progress.update('uploaded', ((n + 1) * CHUNK_BYTES) / file.length);
  }
  progress.done();
  await api.run(started.id, true);
  const checked = await wait(api.get, started.id, cli);
  if (!values.json) describe(checked, cli.print);
  const isWanted = checked.status === 'checked' && !values.dryRun && (await confirmed(checked, values, cli));
  if (isWanted) await api.run(checked.id, false);
  const ended = isWanted ? await wait(api.get, checked.id, cli) : checked;
  if (values.json) cli.print(JSON.stringify(ended, null, 2));
  else if (isWanted) describeEnd(ended, cli.print);
  if (!isWanted) await api.remove(checked.id);
  return ended.status === 'completed' || (values.dryRun && ended.status === 'checked') ? 0 : 1;
}

async function confirmed(
  { counts, cost }: ImportsGetOutput,
  { yes }: Values,
  { confirm, note }: Cli,
): Promise<boolean> {
  if (yes) return true;
  if (confirm) return confirm(`Import ${counts.memories} memories for ${cost} calls of today? [y/N] `);
  note('Nothing was imported. Repeat the command with --yes to import.');
  return false;
}

/** Waits until an import does nothing more. */
async function wait(get: (id: string) => Promise<ImportsGetOutput>, id: string, cli: Cli): Promise<ImportsGetOutput> {
  const progress = createProgress(cli);
  for (let pause = POLL_MS; ; pause = Math.min(pause * 1.5, 10_000)) {
    const state = await get(id);
    if (state.status !== 'checking' && state.status !== 'importing') {
      progress.done();
      return state;
    }
    progress.update(state.status, state.progress);
    await cli.delay(pause);
  }
}

function describe(
  { status, format, counts, cost, findings, reason }: ImportsGetOutput,
  print: (line: string) => void,
): void {
  if (status === 'failed') {
    print(reason ?? 'The file cannot be read.');
    return;
  }
  print(`format        ${format}`);
  print(`new memories  ${counts.memories}`);
  if (counts.versions > 0) print(`new versions  ${counts.versions}`);
  print(`unchanged     ${counts.unchanged}`);
  print(`do not fit    ${counts.rejected}`);
  print(`storage       ${counts.storage_bytes} bytes`);
  print(`cost          ${cost} calls of the day`);
  for (const { line, what, why } of findings.slice(0, SHOWN_FINDINGS)) print(`  line ${line}: ${what}: ${why}`);
  if (counts.rejected > SHOWN_FINDINGS) print('  …');
  if (reason) print(reason);
}

function describeEnd({ id, status, counts, reason }: ImportsGetOutput, print: (line: string) => void): void {
  print(`${status}: ${counts.imported_memories} memories and ${counts.imported_versions} versions imported`);
  if (reason) print(reason);
  if (counts.rejected > 0) print(`What did not fit: GET /api/v1/import/${id}/report`);
}

function mappingOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CommandError(`--map ${text}: must be FIELD=COLUMN`, 2);
  return [text.slice(0, at), text.slice(at + 1)];
}
