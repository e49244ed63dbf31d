import type { Command } from 'commander';
import type { ListedMemory, MemoriesListOutput } from '../../clients/typescript/src/generated/types.ts';
import type { Cli } from '../cli.ts';
import { type MemoryOptions, memoryApi } from '../memory-api.ts';
import { tableLines } from '../output/table.ts';
import { collect } from './remember.ts';
import { COLUMNS, nothingFound, toInteger } from './search.ts';

/** Options of `whitemagic list`. */
interface Values extends MemoryOptions {
  limit: number;
  tag?: string[];
  type?: string;
  status?: string;
  sort?: string;
  order?: string;
}

const PAGE_MAX = 100;

/** Adds `whitemagic list`. */
export function addList(program: Command, cli: Cli): void {
  program
    .command('list')
    .summary('list memories, the newest first')
    .option('-n, --limit <n>', 'number of memories', toInteger, 20)
    .option('-p, --project <name>', 'only this project; "*": all, "none": those of no project')
    .option('--tag <name>', 'only with this tag; may be repeated', collect)
    .option('--type <type>', 'only short_term or long_term')
    .option('--status <status>', 'active, archived or all')
    .option('--sort <field>', 'created_at, updated_at, occurred_at or title')
    .option('--order <order>', 'asc or desc')
    .option('--json', 'print the memories as JSON, with their contents')
    .action((values: Values) => list(cli, values));
}

async function list(cli: Cli, values: Values): Promise<void> {
  const api = memoryApi(cli);
  const results: ListedMemory[] = [];
  let total = 0;
  let cursor: string | null = null;
  do {
    const page: MemoriesListOutput = await api.call<MemoriesListOutput>({
      path: '/memories',
      query: {
        limit: Math.min(PAGE_MAX, values.limit - results.length),
        // In a query string, an empty project is none.
        project: values.project === 'none' ? '' : values.project,
        tags: values.tag && JSON.stringify(values.tag),
        type: values.type,
        status: values.status,
        sort: values.sort,
        order: values.order,
        include: values.json ? 'content' : undefined,
        cursor: cursor ?? undefined,
      },
    });
    results.push(...page.results);
    total = page.total;
    cursor = page.next_cursor;
  } while (cursor !== null && results.length < values.limit);
  if (values.json) cli.print(JSON.stringify({ results, total }, null, 2));
  else if (results.length > 0) for (const line of tableLines(cli, COLUMNS, results)) cli.print(line);
  if (results.length === 0) nothingFound(cli, values.json);
  else if (!values.json && results.length < total) cli.note(`${results.length} of ${total}; --limit shows more`);
}
