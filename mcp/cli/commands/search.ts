import { type Command, InvalidArgumentError } from 'commander';
import type { SearchHit, SearchQueryOutput } from '../../clients/typescript/src/generated/types.ts';
import { ApiError } from '../api.ts';
import { type Cli, NOTHING_FOUND, settingsOf } from '../cli.ts';
import { callTool } from '../mcp-tool.ts';
import { type MemoryOptions, memoryApi, projectFilter, textOf } from '../memory-api.ts';
import { type Column, tableLines } from '../output/table.ts';
import { day, oneLine, printable, stylesOf } from '../output/text.ts';
import { collect } from './remember.ts';

/** Options of `whitemagic search`. */
interface SearchValues extends MemoryOptions {
  limit: number;
  tag?: string[];
  type?: string;
  after?: string;
  before?: string;
}

/** Options of `whitemagic context`. */
interface ContextValues extends MemoryOptions {
  maxTokens: number;
  tag?: string[];
}

const TIMEOUT_MS = 60_000;

/** Columns of a list of memories. */
export const COLUMNS: Column<Pick<SearchHit, 'id' | 'title' | 'project' | 'updated_at'>>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'TITLE', value: ({ title }) => title, isWide: true },
  { title: 'PROJECT', value: ({ project }) => project },
  { title: 'CHANGED', value: ({ updated_at }) => day(updated_at) },
];

/** Adds `whitemagic search`. */
export function addSearch(program: Command, cli: Cli): void {
  program
    .command('search')
    .summary('find memories by words and meaning')
    .description(
      'Finds memories by words and by meaning: those of the project of this folder and those of no project. "quoted phrases" rank higher.',
    )
    .argument('<query...>', 'words; "-" reads them from stdin')
    .option('-n, --limit <n>', 'number of results', toInteger, 10)
    .option('-p, --project <name>', 'only this project; "*": all, "none": those of no project')
    .option('--tag <name>', 'only with this tag; may be repeated', collect)
    .option('--type <type>', 'only short_term or long_term')
    .option('--after <date>', 'only created since then')
    .option('--before <date>', 'only created before then')
    .option('--json', 'print the response as JSON')
    .action((words: string[], values: SearchValues) => search(cli, words, values));
}

/** Adds `whitemagic context`. */
export function addContext(program: Command, cli: Cli): void {
  program
    .command('context')
    .summary('print what an agent should know, within a token budget')
    .description(
      'Prints a context package: the memories that are most relevant to a task, or the newest, as Markdown. Stored text is delimited, so that a model can tell it from instructions.',
    )
    .argument('[task...]', 'task; "-" reads it from stdin')
    .option('-m, --max-tokens <n>', 'token budget', toInteger, 1_500)
    .option('-p, --project <name>', 'only this project; "*": all, "none": those of no project')
    .option('--tag <name>', 'only with this tag; may be repeated', collect)
    .option('--json', 'print the response of the REST API as JSON')
    .action((words: string[], values: ContextValues) => context(cli, words, values));
}

/** Parses an option that is a whole number of at least 1. */
export function toInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return value;
}

async function search(cli: Cli, words: string[], values: SearchValues): Promise<void> {
  const query = await textOf(cli, words, 'what to search for');
  const filters = {
    ...projectFilter(values.project),
    ...(values.tag && { tags: values.tag }),
    ...(values.type && { type: values.type }),
    ...(values.after && { created_after: values.after }),
    ...(values.before && { created_before: values.before }),
  };
  let found: SearchQueryOutput;
  try {
    const body = { query, limit: values.limit, ...filters };
    found = await memoryApi(cli).call<SearchQueryOutput>({ method: 'POST', path: '/search', body });
  } catch (error) {
    // The free plan has tools and no REST API.
    if (!isRestMissing(error) || values.json) throw error;
    const { project, ...rest } = filters;
    const text = await callTool(
      settingsOf(cli),
      'search_memories',
      { query, limit: values.limit, ...rest, ...(project !== undefined && { project: project ?? 'none' }) },
      { version: cli.version, timeoutMs: TIMEOUT_MS },
    );
    return cli.print(printable(text));
  }
  if (values.json) cli.print(JSON.stringify(found, null, 2));
  else showHits(cli, found.results);
  if (found.low_confidence && !values.json) cli.note('None of these is a close match.');
  if (found.results.length === 0) nothingFound(cli, values.json);
}

function showHits(cli: Cli, hits: SearchHit[]): void {
  if (hits.length === 0) return;
  const lines = tableLines(cli, COLUMNS, hits);
  const snippets = hits.map(({ snippet }) => snippet);
  if (cli.columns === undefined) {
    for (const [at, line] of lines.entries()) cli.print(`${line}\t${oneLine(snippets[at] ?? '')}`);
    return;
  }
  const { dim } = stylesOf(cli);
  for (const [at, line] of lines.entries()) {
    cli.print(line);
    if (at > 0) cli.print(dim(`  ${oneLine(snippets[at - 1] ?? '', cli.columns - 2)}`));
  }
}

/** Says that nothing was found, and sets the exit code. */
export function nothingFound(cli: Cli, isJson: boolean | undefined): void {
  if (!isJson) cli.note('Nothing was found. --project "*" searches all projects.');
  cli.exitCode = NOTHING_FOUND;
}

async function context(cli: Cli, words: string[], values: ContextValues): Promise<void> {
  const query = words.length === 0 ? undefined : await textOf(cli, words, 'the task');
  const { project } = projectFilter(values.project);
  const shared = {
    ...(query !== undefined && { query }),
    ...(values.tag && { tags: values.tag }),
    max_tokens: values.maxTokens,
  };
  if (values.json) {
    const body = { ...shared, ...(project !== undefined && { project }) };
    return cli.print(JSON.stringify(await memoryApi(cli).call({ method: 'POST', path: '/context', body }), null, 2));
  }
  const args = { ...shared, ...(project !== undefined && { project: project ?? 'none' }) };
  const options = { version: cli.version, timeoutMs: TIMEOUT_MS };
  cli.print(printable(await callTool(settingsOf(cli), 'get_context', args, options)));
}

/** Checks for the rejection of the REST API by a plan that has tools only. */
function isRestMissing(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'plan_required';
}
