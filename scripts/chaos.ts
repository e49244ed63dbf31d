import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type KillOptions, killRepeatedly } from './chaos/kill-run.ts';
import { killRedisOfTwoNodes } from './chaos/redis-run.ts';
import { SCENES } from './chaos/scenes.ts';

const HELP = `Usage: npm run chaos [-- options]

Starts the service on a database of its own and a client that logs every response, kills the service at random times,
restarts it each time, and finally compares the client's log with the database: usage events, memories, totals, quotas.

  --kills N             number of times the service is killed (20)
  --database-kills N    number of those in which PostgreSQL is killed too (5)
  --seconds-between N   each kill happens at a random time within N seconds (2)
  --connections N       connections of the client (8)
  --scenes LIST         faults after the kills, which the service survives: any of database-hang,full-disk,encoder-kill,
                        encoder-hang,idle-connections,slow-loris,header-flood, or none (all that can be played here; full-disk takes root on Linux)
  --embedder            embeds memories too, and checks that each has vectors or is queued for them
  --data-dir PATH       a new or empty folder to work in, which is kept (default: a temporary folder, kept on failure)
  --redis               kills a Redis that two nodes share instead, and checks the number of calls that pass meanwhile

Exits with 1 and lists the differences when anything was lost, duplicated or changed. A kill does not simulate a power
failure of the machine: data that PostgreSQL has handed to the operating system's cache survives it.`;

const settings = z.object({
  kills: z.coerce.number().int().min(1).default(20),
  'database-kills': z.coerce.number().int().min(0).default(5),
  'seconds-between': z.coerce.number().positive().default(2),
  connections: z.coerce.number().int().min(1).max(100).default(8),
  'data-dir': z.string().optional(),
  scenes: z
    .string()
    .default(SCENES.join())
    .transform((list) => (list === 'none' ? [] : list.split(',')))
    .pipe(z.array(z.enum(SCENES))),
});

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      kills: { type: 'string' },
      'database-kills': { type: 'string' },
      'seconds-between': { type: 'string' },
      connections: { type: 'string' },
      embedder: { type: 'boolean' },
      'data-dir': { type: 'string' },
      scenes: { type: 'string' },
      redis: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const signal = interrupted();
  return inFolder(parsed.data['data-dir'], (dataDir) => {
    if (values.redis) return runRedisKill(dataDir, signal);
    const { kills, 'database-kills': databaseKills, 'seconds-between': secondsBetween } = parsed.data;
    const { connections, scenes } = parsed.data;
    const embedder = values.embedder ? 'local' : 'none';
    return runKills(
      { dataDir, kills, databaseKills, secondsBetween, connections, embedder, scenes, progress: console.log },
      signal,
    );
  });
}

async function runKills(options: KillOptions, signal: AbortSignal): Promise<boolean> {
  const run = await killRepeatedly(options, signal);
  try {
    const { counts, differences } = await run.compare();
    return report({ kills: options.kills, 'of which with PostgreSQL': options.databaseKills, ...counts }, differences);
  } finally {
    await run.stop();
  }
}

async function runRedisKill(dataDir: string, signal: AbortSignal): Promise<boolean> {
  const { counts, differences } = await killRedisOfTwoNodes(dataDir, signal);
  return report(counts, differences);
}

/** Prints a comparison. Returns true when nothing differs. */
function report(counts: Record<string, number>, differences: readonly string[]): boolean {
  console.table(counts);
  for (const difference of differences) console.log(`✗ ${difference}`);
  console.log(differences.length === 0 ? '✓ nothing lost, nothing duplicated' : `${differences.length} differences`);
  return differences.length === 0;
}

/** Runs `work` in an empty folder. Keeps the folder when it was named by the caller or when `work` fails. */
async function inFolder(named: string | undefined, work: (dataDir: string) => Promise<boolean>): Promise<boolean> {
  const dataDir = named ? resolve(named) : await mkdtemp(join(tmpdir(), 'whitemagic-chaos-'));
  if (named) await mkdir(dataDir, { recursive: true });
  if ((await readdir(dataDir)).length > 0)
    throw new Error(`${dataDir} is not empty: --data-dir takes a new or empty folder.`);
  let passed = false;
  try {
    passed = await work(dataDir);
  } finally {
    if (passed && !named) await rm(dataDir, { recursive: true, force: true });
    else console.log(`The data and the client's log are in ${dataDir}`);
  }
  return passed;
}

/** Returns a signal that is aborted by SIGINT or SIGTERM. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
