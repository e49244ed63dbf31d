import type { QuestionResult } from './ask.ts';
import type { ContextShare } from './context.ts';
import { type CategoryResult, type Difference, means, type Summary } from './score.ts';
import { LEXICAL_MEAN_TARGET, MEAN_TARGET, TARGETS } from './targets.ts';

/** All results of a set, as `--json` writes and `--base` reads them. */
export interface SetResult {
  set: string;
  summary: Summary;
  /** The measures without ranking boosts. */
  withoutBoosts: Summary['means'];
  categories: Record<string, CategoryResult>;
  /** Measures of categories that are below the set's floors. */
  belowFloors?: string[];
  latency: { p50: number; p95: number };
  /** Mean o200k tokens of a response over REST. */
  tokens: number;
  empty: number;
  /** Share of responses with `low_confidence: true` among the questions with gold notes; null without any. */
  lowConfidence: number | null;
  /** The same for questions of other collections, which no note of this set answers. */
  lowConfidenceUnrelated?: number | undefined;
  foreign: number;
  mcp: { asked: number; differing: string[] };
  /** The values of `retrievers` in the responses, with their counts. */
  retrievers: Record<string, number>;
  difference?: Difference;
  context?: ContextShare[];
  answers: QuestionResult[];
}

/** Categories of questions about time and change, in all sets that have some. */
const ABOUT_TIME = /^(?:temporal|knowledge_update|contradiction|event_ordering|superseded|latest|when)/;

/** Number of the most frequent values to print. */
const RETRIEVERS_SHOWN = 5;

type Cell = string | number;
const percent = (value: number, digits = 1) => (value * 100).toFixed(digits);
const share = (value?: number | null) => (typeof value === 'number' ? percent(value) : '–');
const range = ([low, high]: [number, number]) => `${percent(low)}..${percent(high)}`;

/** Formats a table with right-aligned numbers. */
export function table(head: string[], rows: Cell[][]): string {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [line(all[0] ?? []), widths.map((width) => '-'.repeat(width)).join('  '), ...all.slice(1).map(line)].join(
    '\n',
  );
}

const QUALITY = ['n', 'R@1', 'R@5', 'R@10', 'R@20', 'nDCG@10', '95 %', 'MRR'];

function quality({ questions, means: of, intervals }: Summary): Cell[] {
  const shown = (['R@1', 'R@5', 'R@10', 'R@20', 'nDCG@10'] as const).map((measure) => percent(of[measure]));
  return [questions, ...shown, range(intervals['nDCG@10']), percent(of.MRR)];
}

/** Formats the results of a set: categories, observations and comparison. */
export function reportSet(result: SetResult): string {
  const rows = Object.entries(result.categories).map(([name, { questions, lowConfidence, summary }]) => [
    `  ${name}`,
    ...(summary ? quality(summary) : [questions, ...QUALITY.slice(1).map(() => '–')]),
    share(lowConfidence),
  ]);
  const all = ['all', ...quality(result.summary), share(result.lowConfidence)];
  const lines = [`\n${table([result.set, ...QUALITY, 'low conf. %'], [all, ...rows])}`];
  const { mcp, difference, context } = result;
  lines.push(`R@10 95 %: ${range(result.summary.intervals['R@10'])}`);
  const { 'nDCG@10': ndcg, 'R@10': recall } = result.withoutBoosts;
  lines.push(`without boosts: nDCG@10 ${percent(ndcg)}, R@10 ${percent(recall)}`);
  const ran = Object.entries(result.retrievers).sort(([, a], [, b]) => b - a);
  for (const [retrievers, count] of ran.slice(0, RETRIEVERS_SHOWN))
    lines.push(`retrievers ${retrievers}: ${count} responses`);
  const agreement = `${mcp.asked - mcp.differing.length} of ${mcp.asked} ranked equally over MCP`;
  if (mcp.asked > 0)
    lines.push(mcp.differing.length > 0 ? `FAIL: only ${agreement}: ${mcp.differing.join(', ')}` : agreement);
  if (result.foreign > 0) lines.push(`FAIL: ${result.foreign} results of another owner`);
  for (const line of result.belowFloors ?? []) lines.push(`FAIL: ${line}`);
  if (difference) lines.push(reportDifference(difference));
  if (context) lines.push(reportContext(context));
  return lines.join('\n');
}

function reportDifference(difference: Difference): string {
  return (['nDCG@10', 'R@10'] as const)
    .map((measure) => {
      const { mean, interval } = difference[measure];
      return `run minus base ${measure}: ${percent(mean)} [${percent(interval[0])}, ${percent(interval[1])}]`;
    })
    .join('\n');
}

function reportContext(context: ContextShare[]): string {
  const rows = context.map(({ budget, share: included, cited, tokens, unneeded, overBudget }) => [
    budget,
    percent(included),
    percent(cited),
    tokens.toFixed(0),
    unneeded.toFixed(0),
    overBudget > 0 ? `FAIL: ${overBudget}` : 0,
  ]);
  return table(
    ['context budget', 'gold included', 'gold cited', 'mean tokens', 'for no question', 'over budget'],
    rows,
  );
}

/** Formats all sets as one table, with their targets. */
export function reportSummary(results: readonly SetResult[], lexicalOnly: boolean): string {
  const head = [
    'set',
    ...QUALITY.filter((name) => name !== 'R@1'),
    'empty',
    'low conf. %',
    'unrelated %',
    'p50 ms',
    'p95 ms',
    'tokens',
  ];
  const rows = results.map((result) => {
    const target = lexicalOnly ? undefined : TARGETS[result.set];
    return [...summaryRow(result), formatTarget(target)];
  });
  const targeted = results.filter(({ set }) => TARGETS[set]);
  if (results.length > 1) rows.push(meanRow('mean of all', results, ''));
  if (targeted.length === Object.keys(TARGETS).length)
    rows.push(meanRow('mean of the six', targeted, formatTarget(lexicalOnly ? LEXICAL_MEAN_TARGET : MEAN_TARGET)));
  return `\n${table([...head, 'target nDCG / R@10'], rows)}${reportTime(results)}`;
}

/** Formats the categories about time and change of all sets; empty without any. */
function reportTime(results: readonly SetResult[]): string {
  const rows = results.flatMap(({ set, categories }) =>
    Object.entries(categories).flatMap(([name, { summary }]) =>
      summary && ABOUT_TIME.test(name) ? [[`${set} ${name}`, ...quality(summary)]] : [],
    ),
  );
  return rows.length === 0 ? '' : `\n\n${table(['about time and change', ...QUALITY], rows)}`;
}

function summaryRow(result: SetResult): Cell[] {
  const [n = 0, , ...others] = quality(result.summary);
  const lowConfidence = [share(result.lowConfidence), share(result.lowConfidenceUnrelated)];
  const { p50, p95 } = result.latency;
  return [
    result.set,
    n,
    ...others,
    result.empty,
    ...lowConfidence,
    p50.toFixed(1),
    p95.toFixed(1),
    result.tokens.toFixed(0),
  ];
}

function meanRow(name: string, results: readonly SetResult[], target: string): Cell[] {
  const of = means(results.map(({ summary }) => summary.means));
  const questions = results.reduce((sum, { summary }) => sum + summary.questions, 0);
  const shown = (['R@5', 'R@10', 'R@20', 'nDCG@10'] as const).map((measure) => percent(of[measure]));
  return [name, questions, ...shown, '', percent(of.MRR), '', '', '', '', '', '', target];
}

function formatTarget(target?: readonly [number, number]): string {
  return target ? `${target[0]} / ${target[1]}` : '–';
}
