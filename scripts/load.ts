import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { addChaosUser, withDatabase } from './chaos/user.ts';
import { runProgram } from './cli-output.ts';
import { type LocustResult, runLocust } from './load/locust.ts';
import { recordMemory } from './load/memory.ts';
import { startTarget, TARGETS, type Target } from './load/targets.ts';
import { installPythonTool } from './python-tool.ts';

const MODES = ['steady', 'fast', 'spike', 'soak', 'noisy'] as const;
type Mode = (typeof MODES)[number];

const HELP = `Usage: npm run load [-- options]

Starts the service, sends it the load of a hundred users with Locust (a mix over every kind of call, REST and MCP), prints
the measurements and writes a report in HTML.

  --target LIST     any of embedded (npm start's service) and cluster (PostgreSQL, Redis, two API nodes and a worker behind
                    nginx); both by default
  --mode LIST       steady   every user makes a call every three seconds (2,000 a minute)
                    fast     every user makes its next call at once
                    spike    ten users, then a hundred more at once, then ten
                    soak     like steady, and the memory of the nodes must not grow; use --seconds 3600
                    noisy    fifty quiet tenants, then the same beside one that makes the most expensive calls all the time:
                             the p95 of the quiet ones must not double
                    by default: steady,fast
  --seconds N       length of each run (600)
  --users N         users of steady, fast and soak (100)
  --embedder NAME   local or none (local)
  --output PATH     folder of the reports (load-report)

Exits with 1 when fewer than 99.9 % of the calls succeed, not counting intended 429s, or another condition above is not met.
The first run installs Locust with pip. Sender and service share this machine, so its cores limit both.`;

const listOf = <Name extends string>(names: readonly [Name, ...Name[]]) =>
  z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(names)));

const settings = z.object({
  target: listOf(TARGETS).default([...TARGETS]),
  mode: listOf(MODES).default(['steady', 'fast']),
  seconds: z.coerce.number().int().min(5).default(600),
  users: z.coerce.number().int().min(1).max(1_000).default(100),
  embedder: z.enum(['local', 'none']).default('local'),
  output: z.string().default('load-report'),
});
type Settings = z.output<typeof settings>;

/** Part of the calls that must succeed. */
const SUCCESS_MIN = 0.999;
/** Calls a minute that the steady load must reach, of a hundred users. */
const PER_MINUTE_MIN = 1_000;
const QUIET_TENANTS = 50;
const STEADY_PACE_SECONDS = 3;
/** Growth of memory that counts as flat. */
const GROWTH_MAX = 1.15;

/** The service, the command of Locust, and the files of keys of a run. */
interface Stage {
  target: Target;
  locust: string;
  keysFile: string;
  noisyFile: string;
  /** Path of the reports, without an ending. */
  output: string;
}

async function main(): Promise<void> {
  const names = ['target', 'mode', 'seconds', 'users', 'embedder', 'output'] as const;
  const strings = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options: { ...strings, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return console.log(HELP);
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const options = parsed.data;
  const locust = await installPythonTool('locust', 'test/load/requirements.txt');
  const output = resolve(options.output);
  await mkdir(output, { recursive: true });
  const unmet: string[] = [];
  for (const name of options.target) {
    const folder = await mkdtemp(join(tmpdir(), 'whitemagic-load-'));
    const target = await startTarget(name, join(folder, name), options.embedder);
    try {
      const files = await writeKeys(folder, target, Math.max(options.users, 110));
      for (const mode of options.mode) {
        console.log(`\n${mode}, ${name}, ${options.seconds} s`);
        const stage = { target, locust, ...files, output: join(output, `${name}-${mode}`) };
        const conditions = await RUNS[mode](stage, options);
        unmet.push(...conditions.map((condition) => `${name}, ${mode}: ${condition}`));
      }
    } finally {
      await target.stop();
      if (unmet.length === 0) await rm(folder, { recursive: true, force: true });
      else console.log(`The data and logs of ${name} are in ${folder}`);
    }
  }
  console.log(`\nReports: ${output}`);
  if (unmet.length > 0) throw new Error(unmet.map((condition) => `✗ ${condition}`).join('\n'));
  console.log('✓ all conditions are met');
}

/** Creates accounts, and writes their keys to files: in the arguments of a process, everybody on the machine could read them. */
async function writeKeys(folder: string, { databaseUrl }: Target, count: number) {
  const [keysFile, noisyFile] = [join(folder, 'keys.json'), join(folder, 'noisy.json')];
  await withDatabase(databaseUrl, async (database) => {
    const users = await Promise.all(Array.from({ length: count + 1 }, () => addChaosUser(database)));
    const [noisy, ...keys] = users.map(({ apiKey }) => apiKey);
    await writeFile(keysFile, JSON.stringify(keys), { mode: 0o600 });
    await writeFile(noisyFile, JSON.stringify([noisy]), { mode: 0o600 });
  });
  return { keysFile, noisyFile };
}

/** Runs of each mode. Each prints its measurements and returns the conditions that are not met. */
const RUNS: Record<Mode, (stage: Stage, settings: Settings) => Promise<string[]>> = {
  async steady(stage, { users, seconds }) {
    const result = await run(stage, users, seconds, { LOAD_PACE: `${STEADY_PACE_SECONDS}` });
    const perMinute = Math.round(result.total.perSecond * 60);
    const wanted = Math.round((PER_MINUTE_MIN * users) / 100);
    return [...successOf(result), ...unless(perMinute >= wanted, `${perMinute} of ${wanted} calls a minute`)];
  },
  fast: async (stage, { users, seconds }) => successOf(await run(stage, users, seconds, { LOAD_PACE: '0' })),
  spike: async (stage, { seconds }) =>
    successOf(await run(stage, 110, seconds, { LOAD_PACE: '1', LOAD_SHAPE: 'spike' })),
  async soak(stage, { users, seconds }) {
    const memory = recordMemory(stage.target.pids);
    const result = await run(stage, users, seconds, { LOAD_PACE: `${STEADY_PACE_SECONDS}` });
    const { beforeMb, afterMb } = memory.stop();
    console.log(`Memory of the nodes: ${beforeMb} MB in the second quarter, ${afterMb} MB in the last`);
    return [
      ...successOf(result),
      ...unless(afterMb <= beforeMb * GROWTH_MAX, `memory grew from ${beforeMb} to ${afterMb} MB`),
    ];
  },
  async noisy(stage, { seconds }) {
    const quiet = { LOAD_PACE: `${STEADY_PACE_SECONDS}` };
    const alone = await run({ ...stage, output: `${stage.output}-alone` }, QUIET_TENANTS, seconds, quiet);
    const beside = await run(stage, QUIET_TENANTS + 8, seconds, { ...quiet, LOAD_NOISY: stage.noisyFile });
    const [before, after] = [alone, beside].map(quietP95) as [number, number];
    console.log(`p95 of quiet tenants: ${before} ms alone, ${after} ms beside the noisy one`);
    return [...successOf(alone), ...successOf(beside), ...unless(after <= 2 * before, `p95 ${before} → ${after} ms`)];
  },
};

async function run(stage: Stage, users: number, seconds: number, variables: Record<string, string>) {
  const { target, locust, keysFile, output } = stage;
  const result = await runLocust(locust, {
    url: target.url,
    users,
    seconds,
    output,
    variables: { LOAD_KEYS: keysFile, ...variables },
  });
  console.table([...result.calls.toSorted((a, b) => b.requests - a.requests), result.total]);
  const { requests, failures, perSecond } = result.total;
  const success = ((100 * (requests - failures)) / requests).toFixed(3);
  console.log(
    `${requests} calls, ${Math.round(perSecond * 60)} a minute, ${success} % succeeded, ${result.limited} were limited`,
  );
  return result;
}

function successOf({ total: { requests, failures } }: LocustResult): string[] {
  return unless(requests > 0 && failures / requests < 1 - SUCCESS_MIN, `${failures} of ${requests} calls failed`);
}

/** Returns the 95th percentile of the calls of quiet tenants in milliseconds: the median over their kinds of call. */
function quietP95({ calls }: LocustResult): number {
  const quiet = calls
    .filter(({ name, requests }) => !name.includes('noisy') && requests >= 5)
    .map(({ p95Ms }) => p95Ms);
  return quiet.toSorted((a, b) => a - b)[Math.floor(quiet.length / 2)] ?? 0;
}

function unless(isMet: boolean, condition: string): string[] {
  return isMet ? [] : [condition];
}

await runProgram(main);
