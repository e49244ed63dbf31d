import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type KillingOptions, killAgainAndAgain } from './chaos/killing.ts';
import { killRedisOfTwoNodes } from './chaos/redis-run.ts';

const HELP = `Usage: npm run chaos [-- options]

Starts the service on a database of its own and a client that logs every answer, kills the service at random moments,
starts it again each time, and at the end holds the client's log against the record: events, memories, totals, quotas.

  --kills N             how often the service is killed (20)
  --database-kills N    in how many of these PostgreSQL dies too (5)
  --seconds-between N   a kill comes at a random moment of so many seconds (2)
  --connections N       of the client (8)
  --embedder            make vectors too, and see that no memory is forgotten
  --data-dir PATH       a new folder to work in; it stays (default: a temporary one, which stays if something differs)
  --redis               instead: kill a Redis that two nodes share, and see how many calls pass without it

Ends with 1 when anything was lost, doubled or changed, and says what. A kill is no power cut of the machine: what
PostgreSQL has given to the system's cache outlives it.`;

const settings = z.object({
  kills: z.coerce.number().int().min(1).default(20),
  'database-kills': z.coerce.number().int().min(0).default(5),
  'seconds-between': z.coerce.number().positive().default(2),
  connections: z.coerce.number().int().min(1).max(100).default(8),
  'data-dir': z.string().optional(),
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
      redis: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const given = settings.safeParse(values);
  if (!given.success) throw new Error(`${z.prettifyError(given.error)}\n\n${HELP}`);
  const signal = interrupted();
  return inFolder(given.data['data-dir'], (dataDir) => {
    if (values.redis) return redis(dataDir, signal);
    const { kills, 'database-kills': databaseKills, 'seconds-between': secondsBetween, connections } = given.data;
    const embedder = values.embedder ? 'local' : 'none';
    return killing(
      { dataDir, kills, databaseKills, secondsBetween, connections, embedder, progress: console.log },
      signal,
    );
  });
}

async function killing(options: KillingOptions, signal: AbortSignal): Promise<boolean> {
  const run = await killAgainAndAgain(options, signal);
  try {
    const { counts, differences } = await run.compare();
    return tell({ kills: options.kills, 'of them with PostgreSQL': options.databaseKills, ...counts }, differences);
  } finally {
    await run.stop();
  }
}

async function redis(dataDir: string, signal: AbortSignal): Promise<boolean> {
  const { counts, differences } = await killRedisOfTwoNodes(dataDir, signal);
  return tell(counts, differences);
}

function tell(counts: Record<string, number>, differences: readonly string[]): boolean {
  console.table(counts);
  for (const difference of differences) console.log(`✗ ${difference}`);
  console.log(differences.length === 0 ? '✓ nothing lost, nothing twice' : `${differences.length} differences`);
  return differences.length === 0;
}

/** Works in a new folder, and keeps it where it was asked for or something is to be seen in it. */
async function inFolder(named: string | undefined, work: (dataDir: string) => Promise<boolean>): Promise<boolean> {
  const dataDir = named ? resolve(named) : await mkdtemp(join(tmpdir(), 'whitemagic-chaos-'));
  if (named) await mkdir(dataDir, { recursive: true });
  if ((await readdir(dataDir)).length > 0)
    throw new Error(`${dataDir} is not empty: chaos works on data of its own only.`);
  let well = false;
  try {
    well = await work(dataDir);
  } finally {
    if (well && !named) await rm(dataDir, { recursive: true, force: true });
    else console.log(`Data and the client's log are in ${dataDir}`);
  }
  return well;
}

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
