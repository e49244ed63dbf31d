import type { Command } from 'commander';
import type { Memory } from '../../clients/typescript/src/generated/types.ts';
import type { Cli } from '../cli.ts';
import { type MemoryOptions, memoryApi } from '../memory-api.ts';
import { oneLine, printable, stylesOf } from '../output/text.ts';

/** Adds `whitemagic show`. */
export function addShow(program: Command, cli: Cli): void {
  program
    .command('show')
    .summary('print a memory')
    .argument('<id>', 'id of the memory')
    .option('--json', 'print it as JSON')
    .action((id: string, values: MemoryOptions) => show(cli, id, values));
}

async function show(cli: Cli, id: string, values: MemoryOptions): Promise<void> {
  const memory = await memoryApi(cli).call<Memory>({ path: `/memories/${encodeURIComponent(id)}` });
  if (values.json) return cli.print(JSON.stringify(memory, null, 2));
  const { bold, dim } = stylesOf(cli);
  cli.print(bold(oneLine(memory.title)));
  for (const [name, value] of facts(memory)) cli.print(dim(`${name.padEnd(12)} ${oneLine(value)}`));
  cli.print('');
  cli.print(printable(memory.content));
}

function facts(memory: Memory): [string, string][] {
  const { id, type, status, project, tags, session_id, occurred_at, expires_at, superseded_by, version } = memory;
  const all: [string, string | null][] = [
    ['id', id],
    ['project', project],
    ['tags', tags.length > 0 ? tags.join(', ') : null],
    ['type', type],
    ['status', status === 'active' ? null : status],
    ['session', session_id],
    ['occurred', occurred_at],
    ['expires', expires_at],
    ['replaced by', superseded_by],
    ['metadata', Object.keys(memory.metadata).length > 0 ? JSON.stringify(memory.metadata) : null],
    ['created', memory.created_at],
    ['changed', version > 1 ? `${memory.updated_at}, version ${version}` : null],
  ];
  return all.filter((fact): fact is [string, string] => fact[1] !== null);
}
