import type { Command } from 'commander';
import type { Memory } from '../../clients/typescript/src/generated/types.ts';
import { ApiError } from '../api.ts';
import { type Cli, CommandError } from '../cli.ts';
import { editText } from '../edit-text.ts';
import { type MemoryOptions, memoryApi, once } from '../memory-api.ts';
import { oneLine } from '../output/text.ts';
import { collect } from './remember.ts';

/** Options of `whitemagic edit`. */
interface Values extends MemoryOptions {
  title?: string;
  content?: string;
  addTag?: string[];
  removeTag?: string[];
  type?: string;
}

/** The fields of a memory that a person edits. The service checks what was typed as type. */
type Editable = Pick<Memory, 'title' | 'content' | 'tags' | 'project'> & { type: string };

/** Adds `whitemagic edit`. */
export function addEdit(program: Command, cli: Cli): void {
  program
    .command('edit')
    .summary('change a memory, in your editor or by options')
    .description(
      'Opens the memory in $VISUAL or $EDITOR, or changes what the options say. The former version is kept. A change that another program made meanwhile is not overwritten.',
    )
    .argument('<id>', 'id of the memory')
    .option('-t, --title <title>', 'new title')
    .option('--content <text>', 'new content; "-" reads it from stdin')
    .option('--add-tag <name>', 'tag to add; may be repeated', collect)
    .option('--remove-tag <name>', 'tag to remove; may be repeated', collect)
    .option('-p, --project <name>', 'new project; "none": no project')
    .option('--type <type>', 'short_term or long_term')
    .option('--json', 'print the memory as JSON')
    .action((id: string, values: Values) => edit(cli, id, values));
}

async function edit(cli: Cli, id: string, values: Values): Promise<void> {
  const api = memoryApi(cli);
  const path = `/memories/${encodeURIComponent(id)}`;
  const former = await api.call<Memory>({ path });
  const changes = await changesOf(cli, former, values);
  if (Object.keys(changes).length === 0) return cli.note('Nothing was changed.');
  const headers = { ...once(), 'If-Match': `"${former.version}"` };
  const memory = await api.call<Memory>({ method: 'PATCH', path, body: changes, headers }).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 412) throw error;
    throw new CommandError('Another program has changed this memory meanwhile. Nothing was changed: edit it again.');
  });
  if (values.json) cli.print(JSON.stringify(memory, null, 2));
  else cli.note(`changed: ${oneLine(memory.title, 80)} (version ${memory.version})`);
}

async function changesOf(cli: Cli, former: Memory, values: Values): Promise<object> {
  const { title, content, addTag, removeTag, project, type } = values;
  const isGiven = [title, content, addTag, removeTag, project, type].some((value) => value !== undefined);
  if (!isGiven) return editedFields(former, parse(await editText(cli, render(former))));
  const text = content === '-' ? await cli.input?.() : content;
  if (content === '-' && text === undefined) throw new CommandError('Pipe the new content into the command.', 2);
  return {
    ...(title !== undefined && { title }),
    ...(text !== undefined && { content: text.trim() }),
    ...(addTag && { add_tags: addTag }),
    ...(removeTag && { remove_tags: removeTag }),
    ...(project !== undefined && { project: project === 'none' ? null : project }),
    ...(type !== undefined && { type }),
  };
}

/** Writes a memory as a text to edit: a few fields, a line of dashes, and the content. */
function render({ title, tags, project, type, content }: Editable): string {
  const fields = { title, tags: tags.join(', '), project: project ?? '', type };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${oneLine(value)}`);
  return `${lines.join('\n')}\n---\n${content}\n`;
}

/** @throws CommandError for a text without the line of dashes, or with an unknown field */
function parse(text: string): Editable {
  const parts = /^([\s\S]*?)^---[ \t]*\r?\n([\s\S]*)$/m.exec(text);
  if (!parts)
    throw new CommandError('The line "---" between the fields and the content is missing. Nothing was changed.');
  const fields: Record<string, string> = {};
  for (const line of (parts[1] ?? '').split('\n').filter((one) => one.trim() !== '')) {
    const [, name, value] = /^(title|tags|project|type):(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined) throw new CommandError(`"${line.trim()}" is no field. Nothing was changed.`);
    fields[name] = (value ?? '').trim();
  }
  const { title = '', tags = '', project = '', type = '' } = fields;
  const list = tags.split(',').map((tag) => tag.trim());
  return {
    title,
    tags: list.filter((tag) => tag !== ''),
    project: project === '' ? null : project,
    type,
    content: (parts[2] ?? '').replace(/\s+$/, ''),
  };
}

/** Returns the fields that the person has changed. */
function editedFields(former: Memory, edited: Editable): Partial<Editable> {
  // As it was shown: what the text cannot hold, such as a line break in a title, is no change.
  const shown = parse(render(former));
  const names = (Object.keys(shown) as (keyof Editable)[]).filter(
    (name) => JSON.stringify(shown[name]) !== JSON.stringify(edited[name]),
  );
  return Object.fromEntries(names.map((name) => [name, edited[name]]));
}
