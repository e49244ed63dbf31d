import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createApi, type ImportState } from './import-api.ts';
import { packFolder } from './pack-folder.ts';
import type { FoundSettings } from './settings.ts';

export const importHelp = `Usage: whitemagic import FILE|FOLDER [options]

Imports memories. The format is detected: an account export of WhiteMagic, server-memory, mem0,
supermemory, Zep, Markdown (also CLAUDE.md, Cursor rules, basic-memory), CSV, JSON lines.
First it checks the file and says what would be imported, what does not fit, and what it costs.

  --yes                 import after the check without asking
  --dry-run             check only
  --project NAME        project of the memories that have none
  --tag NAME            tag of each new memory; may be repeated
  --type TYPE           short_term or long_term, for memories that have none
  --format NAME         whitemagic, server_memory, mem0, supermemory, zep, markdown, csv or jsonl
  --map FIELD=COLUMN    column of CSV or key of JSON lines that gives a field; may be repeated
  --json                print the result as JSON

Environment: WHITEMAGIC_URL, WHITEMAGIC_API_KEY. Exit code: 0 done, 1 failed or incomplete, 2 wrong usage.
`;

/** Streams of the terminal, and the confirmation. */
export interface Terminal {
  print(line: string): void;
  /** Prints progress and remarks, apart from the result. */
  note(line: string): void;
  /** Asks for a confirmation; undefined without a terminal. */
  confirm: ((question: string) => Promise<boolean>) | undefined;
}

const CHUNK_BYTES = 524_288;
const POLL_MS = 500;
const SHOWN_FINDINGS = 10;

/** Runs `whitemagic import`. Returns the exit code. */
export async function importCommand(args: string[], settings: FoundSettings, terminal: Terminal): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    terminal.note(`whitemagic import: ${messageOf(error)}\n\n${importHelp}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [path] = positionals;
  if (values.help || path === undefined || positionals.length > 1) {
    (values.help ? terminal.print : terminal.note)(importHelp);
    return values.help ? 0 : 2;
  }
  try {
    return await importPath(path, values, settings, terminal);
  } catch (error) {
    terminal.note(`whitemagic import: ${messageOf(error)}`);
    return 1;
  }
}

type Values = ReturnType<typeof parse>['values'];

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      yes: { type: 'boolean', short: 'y' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      project: { type: 'string' },
      type: { type: 'string' },
      format: { type: 'string' },
      tag: { type: 'string', multiple: true },
      map: { type: 'string', multiple: true },
    },
  });
}

async function importPath(path: string, values: Values, settings: FoundSettings, terminal: Terminal): Promise<number> {
  const isFolder = (await stat(path)).isDirectory();
  const file = isFolder ? await packFolder(path, terminal.note) : await readFile(path);
  if (file.length === 0) throw new Error(isFolder ? 'the folder has no Markdown or text files' : 'the file is empty');
  const api = createApi(settings, terminal.note);
  const started = await api.start({
    name: basename(path) || 'import',
    ...(values.project && { project: values.project }),
    ...(values.type && { type: values.type }),
    ...((values.format || isFolder) && { format: values.format ?? 'markdown' }),
    ...(values.tag && { tags: values.tag }),
    ...(values.map && { mapping: Object.fromEntries(values.map.map(mappingOf)) }),
  });
  for (let n = 0; n * CHUNK_BYTES < file.length; n++) {
    await api.upload(started.id, n, file.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
    terminal.note(`uploaded ${Math.min(100, Math.floor((100 * (n + 1) * CHUNK_BYTES) / file.length))} %`);
  }
  await api.run(started.id, true);
  const checked = await wait(api.get, started.id, terminal);
  if (!values.json) describe(checked, terminal.print);
  const isWanted = checked.status === 'checked' && !values['dry-run'] && (await confirmed(checked, values, terminal));
  if (isWanted) await api.run(checked.id, false);
  const ended = isWanted ? await wait(api.get, checked.id, terminal) : checked;
  if (values.json) terminal.print(JSON.stringify(ended, null, 2));
  else if (isWanted) describeEnd(ended, terminal.print);
  if (!isWanted) await api.remove(checked.id);
  return ended.status === 'completed' || (values['dry-run'] && ended.status === 'checked') ? 0 : 1;
}

async function confirmed(
  { counts, cost }: ImportState,
  { yes }: Values,
  { confirm, note }: Terminal,
): Promise<boolean> {
  if (yes) return true;
  if (confirm) return confirm(`Import ${counts.memories} memories for ${cost} calls of today? [y/N] `);
  note('Nothing was imported. Repeat the command with --yes to import.');
  return false;
}

/** Waits until an import does nothing more. */
async function wait(get: (id: string) => Promise<ImportState>, id: string, { note }: Terminal): Promise<ImportState> {
  for (let shown = -1, pause = POLL_MS; ; pause = Math.min(pause * 1.5, 10_000)) {
    const state = await get(id);
    if (state.status !== 'checking' && state.status !== 'importing') return state;
    const percent = Math.floor(100 * state.progress);
    if (percent !== shown) note(`${state.status} ${percent} %`);
    shown = percent;
    await delay(pause);
  }
}

function describe(
  { status, format, counts, cost, findings, reason }: ImportState,
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

function describeEnd({ id, status, counts, reason }: ImportState, print: (line: string) => void): void {
  print(`${status}: ${counts.imported_memories} memories and ${counts.imported_versions} versions imported`);
  if (reason) print(reason);
  if (counts.rejected > 0) print(`What did not fit: GET /api/v1/import/${id}/report`);
}

function mappingOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--map ${text}: must be FIELD=COLUMN`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
