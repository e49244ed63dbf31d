import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askAll, shareOfWeak } from './eval/ask.ts';
import { measureContext } from './eval/context.ts';
import { borrowed, judge, spread } from './eval/judge.ts';
import { storeOnce } from './eval/keep.ts';
import { type EvalSet, readSets } from './eval/load.ts';
import { reportSet, reportSummary, type SetResult } from './eval/report.ts';
import { type EvalService, startEvalService, untilEmbedded } from './eval/service.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run eval -- [options]

Loads sets of notes and questions into a service of its own, asks every question, and scores the rankings.

  --sets DIR[,DIR…]        sets, or folders that hold sets (default: test/eval)
  --only NAME[,NAME…]      only sets of these names
  --limit-queries N        N questions of each set, evenly spread
  --env KEY=VALUE[,…]      settings of the service: EMBEDDER=none scores the lexical half alone
  --mcp                    asks every question over MCP too (default: 20 of each set)
  --context                share of the gold inside context packages of 250 to 4,000 tokens
  --base FILE              compares question by question with what --json wrote before
  --json FILE              writes everything, every question's ranked ids included
  --runs DIR               writes DIR/<set>.jsonl, a line a question: {"id", "ids"}
  --data DIR               keeps the service's data there, and sets that are there already are not stored again.
                           What the service computes when it stores is then as old as the store.
  --session-from-title P   sets whose name starts with one of these have their sessions in the title
                           (default: locomo_turns,locomo_obs)

Tables go to stdout, progress to stderr. Ends with 1 when an answer holds what is not the owner's, when a package is over
its budget, or when the two transports rank differently.`;

const MCP_SAMPLE = 20;

function readOptions() {
  const { values } = parseArgs({
    options: {
      sets: { type: 'string', default: join(root, 'test/eval') },
      only: { type: 'string' },
      'limit-queries': { type: 'string' },
      env: { type: 'string', default: '' },
      mcp: { type: 'boolean', default: false },
      context: { type: 'boolean', default: false },
      base: { type: 'string' },
      json: { type: 'string' },
      runs: { type: 'string' },
      data: { type: 'string' },
      'session-from-title': { type: 'string', default: 'locomo_turns,locomo_obs' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const limit = Number(values['limit-queries'] ?? Number.POSITIVE_INFINITY);
  if (!(limit >= 1)) throw new Error('--limit-queries takes a number from 1 on');
  return { ...values, limit, env: readSettings(values.env), sessions: values['session-from-title'].split(',') };
}
type Options = ReturnType<typeof readOptions>;

function readSettings(list: string): Record<string, string> {
  const settings = list.split(',').filter(Boolean);
  return Object.fromEntries(
    settings.map((one) => {
      const [name = '', ...value] = one.split('=');
      if (name === '' || value.length === 0) throw new Error(`--env takes KEY=VALUE, not "${one}"`);
      return [name, value.join('=')];
    }),
  );
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const sets = await readSets(options.sets.split(','), options.only?.split(','));
  const base = options.base ? await readRun(options.base) : undefined;
  const service = await startEvalService(options.env, options.data && resolve(options.data));
  const results: SetResult[] = [];
  try {
    for (const set of sets) {
      const result = await evaluate(service, set, sets, options, base);
      service.progress('');
      console.log(reportSet(result));
      results.push(result);
    }
  } finally {
    await service.stop();
  }
  console.log(reportSummary(results, options.env.EMBEDDER === 'none'));
  if (options.json) await writeFile(options.json, `${JSON.stringify({ env: options.env, sets: results })}\n`);
  if (options.runs) await writeRuns(options.runs, results);
  if (results.some(isFailure)) process.exitCode = 1;
}

async function evaluate(
  service: EvalService,
  set: EvalSet,
  sets: readonly EvalSet[],
  options: Options,
  base?: SetResult[],
): Promise<SetResult> {
  const titleIsSession = options.sessions.some((start) => start !== '' && set.name.startsWith(start));
  const tenants = await storeOnce(service, set, titleIsSession);
  const keys = Object.values(tenants).map(({ apiKey }) => apiKey);
  await untilEmbedded(service, set.name, keys);
  const questions = spread(set.questions, options.limit);
  const sample = new Set(spread([...questions.keys()], options.mcp ? questions.length : MCP_SAMPLE));
  const answers = await askAll(service, set, tenants, questions, (index) => sample.has(index));
  const context = options.context ? await measureContext(service, set, tenants, questions) : undefined;
  const before = base?.find((one) => one.set === set.name);
  const result = { ...judge(set, questions, answers, before), ...(context && { context }) };
  if (result.lowConfidence === null) return result;
  return { ...result, lowConfidenceBorrowed: await shareOfWeak(service, tenants, borrowed(set, sets)) };
}

function isFailure({ foreign, mcp, context }: SetResult): boolean {
  return foreign > 0 || mcp.differing.length > 0 || (context?.some(({ overBudget }) => overBudget > 0) ?? false);
}

async function readRun(file: string): Promise<SetResult[]> {
  return (JSON.parse(await readFile(file, 'utf8')) as { sets: SetResult[] }).sets;
}

async function writeRuns(folder: string, results: readonly SetResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { set, answers } of results) {
    const lines = answers.map(({ id, ids }) => `${JSON.stringify({ id, ids })}\n`);
    await writeFile(join(folder, `${set}.jsonl`), lines.join(''));
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
