import type { Command } from 'commander';
import type { StoredMemory } from '../../clients/typescript/src/generated/types.ts';
import { type Cli, CommandError } from '../cli.ts';
import { editText } from '../edit-text.ts';
import { type MemoryOptions, memoryApi, once, textOf } from '../memory-api.ts';
import { oneLine } from '../output/text.ts';

/** Options of `whitemagic remember`. */
interface Values extends MemoryOptions {
  title?: string;
  tag?: string[];
  type?: string;
  session?: string;
  supersedes?: string;
}

/** Adds `whitemagic remember`. */
export function addRemember(program: Command, cli: Cli): void {
  program
    .command('remember')
    .summary('store a memory')
    .description('Stores a memory: the words given, what is piped in, or at a terminal what you write in your editor.')
    .argument('[text...]', 'content; "-" reads it from stdin')
    .option('-t, --title <title>', 'title (otherwise the first heading or sentence)')
    .option('--tag <name>', 'tag; may be repeated', collect)
    .option('-p, --project <name>', 'project (otherwise that of this folder); "none": of no project')
    .option('--type <type>', 'short_term or long_term (otherwise short_term)')
    .option('--session <id>', 'session that it belongs to')
    .option('--supersedes <id>', 'memory that it replaces')
    .option('--json', 'print the memory as JSON')
    .action((words: string[], values: Values) => remember(cli, words, values));
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, former: string[] = []): string[] {
  return [...former, value];
}

async function remember(cli: Cli, words: string[], values: Values): Promise<void> {
  const isWritten = words.length === 0 && cli.input === undefined;
  const content = isWritten ? await editText(cli, '') : await textOf(cli, words, 'what to remember');
  if (content.trim() === '') throw new CommandError('The text is empty. Nothing was stored.');
  const memory = await memoryApi(cli).call<StoredMemory>({
    method: 'POST',
    path: '/memories',
    headers: once(),
    body: {
      content,
      ...(values.project !== undefined && { project: values.project === 'none' ? null : values.project }),
      ...(values.title !== undefined && { title: values.title }),
      ...(values.tag && { tags: values.tag }),
      ...(values.type !== undefined && { type: values.type }),
      ...(values.session !== undefined && { session_id: values.session }),
      ...(values.supersedes !== undefined && { supersedes: values.supersedes }),
    },
  });
  if (values.json) return cli.print(JSON.stringify(memory, null, 2));
  cli.print(memory.id);
  const place = memory.project ? ` in ${memory.project}` : '';
  cli.note(`${memory.deduplicated ? 'already stored' : 'stored'}${place}: ${oneLine(memory.title, 80)}`);
  const [similar] = memory.similar ?? [];
  if (similar) cli.note(`nearly the same is stored as ${similar.id}; "whitemagic forget" archives one of them`);
}
