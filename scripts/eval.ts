import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askAll, shareOfLowConfidence } from './eval/ask.ts';
import { recordCandidates, rescore } from './eval/candidates.ts';
import { measureContext } from './eval/context.ts';
import { DISTORTIONS, startEncoderEndpoint } from './eval/encoder-endpoint.ts';
import { evaluateResults, spread, unrelatedQuestions } from './eval/evaluate-results.ts';
import { findBelowFloors } from './eval/floors.ts';
import { storeUnlessKept } from './eval/keep.ts';
import { type EvalSet, readSets } from './eval/load.ts';
import { reportSet, reportSummary, type SetResult } from './eval/report.ts';
import { type EvalService, startEvalService, untilEmbedded } from './eval/service.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run eval -- [options]

Stores sets of notes in a service of its own, searches for every question of the sets, and scores the rankings.

  --sets DIR[,DIR…]        sets, or folders that contain sets (default: test/eval)
  --only NAME[,NAME…]      only sets with these names
  --limit-queries N        N questions of each set, evenly spread
  --env KEY=VALUE[,…]      settings of the service: EMBEDDER=none scores lexical search alone
  --distort NAME           takes the vectors of the built-in encoder through an endpoint, and changes all similarities
                           without their order: none, scale, shift or narrow. Words are not compared one by one then
  --mcp                    sends every question over MCP too (default: 20 of each set)
  --context                share of the gold notes in context packages of 250 to 4,000 tokens: a note counts when the
                           package holds 20 consecutive words of its best passage (the 30 words with the rarest words of
                           the question), or the whole of a shorter note. "for no question": tokens of notes that answer
                           none of the set's questions
  --base FILE              compares question by question with an earlier --json file
  --json FILE              writes all results, including the ranked ids of every question
  --record FILE            appends the first 200 candidates of every question to FILE, with the parts of their scores
  --rescore FILE           starts no service: scores recorded candidates by the present weights, and compares the rankings
                           with the recorded ones
  --runs DIR               writes DIR/<set>.jsonl with one line per question: {"id", "ids"}
  --data DIR               keeps the service's data there, and does not store the sets that it already contains.
                           Terms and vectors are then those of the version that stored them.
  --session-from-title P   sets whose names start with one of these have their sessions in the title
                           (default: locomo_turns,locomo_obs)

Tables go to stdout, progress to stderr. Exits with 1 when a result belongs to another owner, when a context package
exceeds its budget, when REST and MCP rank differently, or when a category is below its floor (floors.json of the set,
checked without --env and --limit-queries).`;

const MCP_SAMPLE = 20;

function readOptions() {
  const { values } = parseArgs({
    options: {
      sets: { type: 'string', default: join(root, 'test/eval') },
      only: { type: 'string' },
      'limit-queries': { type: 'string' },
      env: { type: 'string', default: '' },
      distort: { type: 'string' },
      mcp: { type: 'boolean', default: false },
      context: { type: 'boolean', default: false },
      base: { type: 'string' },
      json: { type: 'string' },
      record: { type: 'string' },
      rescore: { type: 'string' },
      runs: { type: 'string' },
      data: { type: 'string' },
      'session-from-title': { type: 'string', default: 'locomo_turns,locomo_obs' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const limit = Number(values['limit-queries'] ?? Number.POSITIVE_INFINITY);
  if (!(limit >= 1)) throw new Error('--limit-queries takes a number of at least 1');
  const distortion = DISTORTIONS.find((name) => name === values.distort);
  if (values.distort && !distortion) throw new Error(`--distort takes ${DISTORTIONS.join(', ')}`);
  return {
    ...values,
    distortion,
    limit,
    env: readSettings(values.env),
    sessions: values['session-from-title'].split(','),
  };
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
  if (options.rescore) return console.log(await rescore(sets, options.rescore));
  const base = options.base ? await readRun(options.base) : undefined;
  const endpoint = options.distortion && (await startEncoderEndpoint(options.distortion));
  Object.assign(options.env, endpoint?.settings);
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
    await endpoint?.close();
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
  const tenants = await storeUnlessKept(service, set, titleIsSession);
  const keys = Object.values(tenants).map(({ apiKey }) => apiKey);
  await untilEmbedded(service, set.name, keys);
  const questions = spread(set.questions, options.limit);
  const sample = new Set(spread([...questions.keys()], options.mcp ? questions.length : MCP_SAMPLE));
  const answers = await askAll(service, set, tenants, questions, (index) => sample.has(index));
  if (options.record) await recordCandidates(service, set, tenants, questions, options.record);
  const context = options.context ? await measureContext(service, set, tenants, questions) : undefined;
  const before = base?.find((one) => one.set === set.name);
  const result = { ...evaluateResults(set, questions, answers, before), ...(context && { context }) };
  // Floors are those of the default configuration, over all questions.
  const hasFloors = set.floors && options.limit >= set.questions.length && Object.keys(options.env).length === 0;
  return {
    ...result,
    ...(hasFloors && { belowFloors: findBelowFloors(result.categories, set.floors ?? {}) }),
    lowConfidenceUnrelated: await shareOfLowConfidence(service, tenants, unrelatedQuestions(set, sets)),
  };
}

function isFailure({ foreign, mcp, context, belowFloors = [] }: SetResult): boolean {
  return (
    foreign > 0 ||
    mcp.differing.length > 0 ||
    belowFloors.length > 0 ||
    (context?.some(({ overBudget }) => overBudget > 0) ?? false)
  );
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
