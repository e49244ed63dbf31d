import type { Asked } from './ask.ts';
import type { ContextShare } from './context.ts';
import { bootstrap, type Difference, means, type Scored, type Summary, summarise } from './score.ts';
import { LEXICAL_MEAN_TARGET, MEAN_TARGET, TARGETS } from './targets.ts';

/** Everything that a run knows about a set; what `--json` writes and `--base` reads. */
export interface SetResult {
  set: string;
  summary: Summary;
  /** The measures where recency and importance do not count. */
  withoutPriors: Summary['means'];
  categories: Record<string, Summary>;
  latency: { p50: number; p95: number };
  /** Mean o200k tokens of an answer over REST. */
  tokens: number;
  empty: number;
  /** Share of answers that say `low_confidence: true`; null while answers do not say it. */
  lowConfidence: number | null;
  /** The same among questions of other sets, which nothing here answers. */
  lowConfidenceBorrowed?: number | undefined;
  foreign: number;
  mcp: { asked: number; differing: string[] };
  /** What the answers said of the parts that ran, and how often. */
  retrievers: Record<string, number>;
  difference?: Difference;
  context?: ContextShare[];
  answers: Asked[];
}

/** So many of the most frequent. */
const PARTS_SHOWN = 5;

type Cell = string | number;
const percent = (value: number, digits = 1) => (value * 100).toFixed(digits);
const range = ([low, high]: [number, number]) => `${percent(low)}..${percent(high)}`;

/** Lines of a table, numbers to the right. */
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

/** Summaries by category, in alphabetical order. */
export function byCategory(scored: readonly Scored[]): Record<string, Summary> {
  const names = [...new Set(scored.map(({ category }) => category))].sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      summarise(
        scored.filter(({ category }) => category === name),
        bootstrap(),
      ),
    ]),
  );
}

/** One set: its categories, what else was seen, the comparison. */
export function reportSet(result: SetResult): string {
  const rows = Object.entries(result.categories).map(([name, summary]) => [`  ${name}`, ...quality(summary)]);
  const lines = [`\n${table([result.set, ...QUALITY], [['all', ...quality(result.summary)], ...rows])}`];
  const { mcp, difference, context } = result;
  lines.push(`R@10 95 %: ${range(result.summary.intervals['R@10'])}`);
  const { 'nDCG@10': ndcg, 'R@10': recall } = result.withoutPriors;
  lines.push(`without boosts: nDCG@10 ${percent(ndcg)}, R@10 ${percent(recall)}`);
  const ran = Object.entries(result.retrievers).sort(([, a], [, b]) => b - a);
  for (const [retrievers, count] of ran.slice(0, PARTS_SHOWN)) lines.push(`retrievers ${retrievers}: ${count} answers`);
  const alike = `${mcp.asked - mcp.differing.length} of ${mcp.asked} ranked alike over MCP`;
  if (mcp.asked > 0) lines.push(mcp.differing.length > 0 ? `FAIL: only ${alike}: ${mcp.differing.join(', ')}` : alike);
  if (result.foreign > 0) lines.push(`FAIL: ${result.foreign} results that are not the owner's`);
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
  const rows = context.map(({ budget, share, cited, tokens, overBudget }) => [
    budget,
    percent(share),
    percent(cited),
    tokens.toFixed(0),
    overBudget > 0 ? `FAIL: ${overBudget}` : 0,
  ]);
  return table(['context budget', 'gold inside', 'gold cited', 'mean tokens', 'over budget'], rows);
}

/** All sets in one table, beside what they are to reach. */
export function reportSummary(results: readonly SetResult[], lexicalOnly: boolean): string {
  const head = [
    'set',
    ...QUALITY.filter((name) => name !== 'R@1'),
    'empty',
    'weak %',
    'borrowed',
    'p50 ms',
    'p95 ms',
    'tokens',
  ];
  const rows = results.map((result) => {
    const target = lexicalOnly ? undefined : TARGETS[result.set];
    return [...summaryRow(result), reach(target)];
  });
  const targeted = results.filter(({ set }) => TARGETS[set]);
  if (results.length > 1) rows.push(meanRow('mean of all', results, ''));
  if (targeted.length === Object.keys(TARGETS).length)
    rows.push(meanRow('mean of the six', targeted, reach(lexicalOnly ? LEXICAL_MEAN_TARGET : MEAN_TARGET)));
  return `\n${table([...head, 'reach nDCG / R@10'], rows)}`;
}

function summaryRow(result: SetResult): Cell[] {
  const [n = 0, , ...others] = quality(result.summary);
  const share = (value?: number | null) => (typeof value === 'number' ? percent(value) : '–');
  const weak = [share(result.lowConfidence), share(result.lowConfidenceBorrowed)];
  const { p50, p95 } = result.latency;
  return [result.set, n, ...others, result.empty, ...weak, p50.toFixed(1), p95.toFixed(1), result.tokens.toFixed(0)];
}

function meanRow(name: string, results: readonly SetResult[], target: string): Cell[] {
  const of = means(results.map(({ summary }) => summary.means));
  const questions = results.reduce((sum, { summary }) => sum + summary.questions, 0);
  const shown = (['R@5', 'R@10', 'R@20', 'nDCG@10'] as const).map((measure) => percent(of[measure]));
  return [name, questions, ...shown, '', percent(of.MRR), '', '', '', '', '', '', target];
}

function reach(target?: readonly [number, number]): string {
  return target ? `${target[0]} / ${target[1]}` : '–';
}
