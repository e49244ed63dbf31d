import { type Command, Option } from 'commander';
import type { UserUsageOutput, UserUsageOutputResults } from '../../clients/typescript/src/generated/types.ts';
import type { Cli } from '../cli.ts';
import { memoryApi } from '../memory-api.ts';
import { type Column, tableLines } from '../output/table.ts';
import { bytes, stylesOf } from '../output/text.ts';
import { toInteger } from './search.ts';

/** Options of `whitemagic usage`. */
interface Values {
  days: number;
  by: string;
  json?: boolean;
}

const BAR = 20;
/** Field of a row that names it, by grouping. */
const NAMES: Record<string, keyof UserUsageOutputResults> = { key: 'key_name' };

/** Adds `whitemagic usage`. */
export function addUsage(program: Command, cli: Cli): void {
  program
    .command('usage')
    .summary("show calls and storage, and their share of the plan's limits")
    .option('-d, --days <n>', 'number of days', toInteger, 7)
    .addOption(
      new Option('--by <group>', 'rows of the table')
        .choices(['day', 'operation', 'client', 'transport', 'key'])
        .default('day'),
    )
    .option('--json', 'print the response as JSON')
    .action((values: Values) => usage(cli, values));
}

async function usage(cli: Cli, { days, by, json }: Values): Promise<void> {
  const found = await memoryApi(cli).call<UserUsageOutput>({ path: '/user/usage', query: { days, group_by: by } });
  if (json) return cli.print(JSON.stringify(found, null, 2));
  const { plan, results } = found;
  if (cli.columns !== undefined) {
    const { calls_today: calls, storage_bytes: storage } = plan;
    cli.print(`plan         ${plan.name}`);
    cli.print(
      `calls today  ${bar(cli, calls)} ${calls.used} of ${calls.limit}, until ${calls.resets_at.slice(11, 16)} UTC`,
    );
    cli.print(`storage      ${bar(cli, storage)} ${bytes(storage.used)} of ${bytes(storage.limit)}`);
    cli.print('');
  }
  const columns: Column<UserUsageOutputResults>[] = [
    {
      title: by.toUpperCase(),
      value: (row) => row[NAMES[by] ?? (by as keyof UserUsageOutputResults)] ?? 'unknown',
      isWide: true,
    },
    { title: 'CALLS', value: ({ calls }) => calls },
    { title: 'BILLABLE', value: ({ billable }) => billable },
    { title: 'ERRORS', value: ({ errors }) => errors },
    { title: 'TOKENS', value: ({ tokens }) => tokens },
  ];
  for (const line of tableLines(cli, columns, results)) cli.print(line);
  if (results.length === 0) cli.note(`No calls in the last ${days} days.`);
}

function bar(cli: Cli, { percent }: { percent: number }): string {
  const filled = Math.min(BAR, Math.round((BAR * percent) / 100));
  const { good, bad, dim } = stylesOf(cli);
  return `${(percent >= 90 ? bad : good)('█'.repeat(filled))}${dim('░'.repeat(BAR - filled))}`;
}
