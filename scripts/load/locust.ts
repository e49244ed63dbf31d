import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { root } from '../program.ts';

/** Measurements of the calls of one name. */
export interface CallStatistics {
  name: string;
  requests: number;
  failures: number;
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** The result of a run: its total, and each kind of call. */
export interface LocustResult {
  total: CallStatistics;
  calls: CallStatistics[];
  /** Calls that a limit rejected on purpose. */
  limited: number;
}

interface LocustRun {
  url: string;
  users: number;
  seconds: number;
  /** Path of the report and the tables, without an ending. */
  output: string;
  /** Settings of test/load/locustfile.py. */
  variables: Record<string, string>;
  signal?: AbortSignal | undefined;
}

const FOLDER = join(root, 'test', 'load');

/**
 * Runs a load with Locust, which writes a report in HTML and tables beside it.
 * @throws Error with its output when Locust itself fails
 */
export async function runLocust(locust: string, run: LocustRun): Promise<LocustResult> {
  const { url, users, seconds, output, variables, signal } = run;
  const args = ['-f', join(FOLDER, 'locustfile.py'), '--headless', '--host', url, '--only-summary'];
  const { PATH = '', HOME = '' } = process.env;
  const child: ChildProcess = spawn(
    locust,
    [...args, '--html', `${output}.html`, '--csv', output, ...shapeOf(variables, users, seconds)],
    { env: { PATH, HOME, LOAD_SECONDS: `${seconds}`, ...variables }, stdio: ['ignore', 'pipe', 'pipe'], signal },
  );
  const outputs = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''));
  const [[code], ...printed] = await Promise.all([once(child, 'exit'), ...outputs]);
  const all = printed.join('');
  if (code !== 0) throw new Error(`Locust exited with ${code}:\n${all.slice(-3_000)}`);
  const rows: Record<string, string>[] = parse(await readFile(`${output}_stats.csv`), { columns: true });
  const statistics = rows.map(toStatistics);
  const total = statistics.find(({ name }) => name === 'Aggregated');
  if (!total) throw new Error(`Locust measured nothing:\n${all.slice(-3_000)}`);
  const calls = statistics.filter(({ name }) => name !== 'Aggregated');
  return { total, calls, limited: Number(/limited: (\d+)/.exec(all)?.[1] ?? 0) };
}

/** Returns the options of the number of users: a shape decides on its own. */
function shapeOf({ LOAD_SHAPE }: Record<string, string>, users: number, seconds: number): string[] {
  if (LOAD_SHAPE) return [];
  return ['--users', `${users}`, '--spawn-rate', `${Math.max(1, Math.ceil(users / 5))}`, '--run-time', `${seconds}s`];
}

function toStatistics(row: Record<string, string>): CallStatistics {
  const { Type: type, Name: name } = row;
  const number = (column: string) => Number(row[column] ?? 0) || 0;
  return {
    name: type && !name?.startsWith('MCP') ? `${type} ${name}` : (name ?? ''),
    requests: number('Request Count'),
    failures: number('Failure Count'),
    perSecond: Math.round(number('Requests/s') * 10) / 10,
    p50Ms: number('50%'),
    p95Ms: number('95%'),
    p99Ms: number('99%'),
  };
}
