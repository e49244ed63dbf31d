import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startEmbedded } from '../db/embedded/start.ts';
import { migrateUp } from '../db/schema/migrate.ts';
import { addChaosUser, withDatabase } from './chaos/user.ts';
import { runProgram } from './cli-output.ts';
import { type Deployment, startDeployment } from './deployment/deployment.ts';
import { startTraffic, type TrafficResult } from './deployment/traffic.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run upgrade [-- options]

Proves that an upgrade loses no request, on two API nodes and a worker behind nginx, with PostgreSQL and Redis, all on this
machine:
1. runs the API of the previous release on the schema of this one, under load;
2. restarts the nodes of this one after the other, under load, several times.

  --previous REF    commit or tag of the previous release (the newest tag; before the first, the commit before the last
                    change of the schema)
  --seconds N       seconds of load on the previous release (20)
  --restarts N      restarts of each node (2)
  --connections N   connections of the client (16)

Exits with 1 when a call failed. Needs nginx and redis-server.`;

const settings = z.object({
  previous: z.string().optional(),
  seconds: z.coerce.number().positive().default(20),
  restarts: z.coerce.number().int().min(1).default(2),
  connections: z.coerce.number().int().min(1).max(200).default(16),
});

type Settings = z.output<typeof settings>;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      previous: { type: 'string' },
      seconds: { type: 'string' },
      restarts: { type: 'string' },
      connections: { type: 'string' },
    },
  });
  if (values.help) return console.log(HELP);
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-upgrade-'));
  const results: TrafficResult[] = [];
  results.push(await runPrevious(join(folder, 'previous'), parsed.data));
  results.push(await runRestarts(join(folder, 'restarts'), parsed.data));
  const failed = results.some(({ failures }) => Object.keys(failures).length > 0);
  if (failed) throw new Error(`Calls failed. The logs are in ${folder}`);
  await rm(folder, { recursive: true, force: true });
  console.log('✓ no call failed');
}

/** Loads the API of the previous release on a database that this release has migrated. */
async function runPrevious(folder: string, { seconds, ...options }: Settings): Promise<TrafficResult> {
  const previous = options.previous ?? previousRelease();
  const checkout = join(folder, 'checkout');
  await mkdir(checkout, { recursive: true });
  execFileSync('sh', ['-c', 'git archive "$1" | tar -x -C "$2"', 'sh', previous, checkout], { cwd: root });
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const database = await startEmbedded({ dataDir: join(folder, 'database'), log: () => undefined });
  const migrations = await migrateUp(database.url);
  await database.stop();
  console.log(`The API of ${describe(previous)}, on a schema of ${migrations.length} migrations`);
  const deployment = await startDeployment({ folder, checkout, variables: { EMBEDDER: 'none' } });
  return load(deployment, options, () => delay(seconds * 1000));
}

/** Restarts each node in turn while it serves. */
async function runRestarts(folder: string, options: Settings): Promise<TrafficResult> {
  await mkdir(folder);
  const deployment = await startDeployment({ folder, variables: { EMBEDDER: 'none' } });
  console.log(`Rolling restarts: ${options.restarts} of each node`);
  return load(deployment, options, async () => {
    for (let turn = 0; turn < options.restarts; turn++) {
      for (const node of deployment.nodeUrls.keys()) {
        await deployment.restartNode(node);
      }
    }
  });
}

/** Calls a deployment while `work` runs, and prints the responses. Stops the deployment. */
async function load(
  deployment: Deployment,
  { connections }: Pick<Settings, 'connections'>,
  work: () => Promise<void>,
): Promise<TrafficResult> {
  try {
    const { apiKey } = await withDatabase(deployment.databaseUrl, (database) => addChaosUser(database));
    const traffic = startTraffic({ url: deployment.url, apiKey, connections });
    await work();
    const { failures, ...result } = await traffic.stop();
    console.table({ ...result, failed: Object.values(failures).reduce((sum, count) => sum + count, 0) });
    if (Object.keys(failures).length > 0) console.log('Failures by status or error:', failures);
    return { ...result, failures };
  } finally {
    await deployment.stop();
  }
}

/** Returns the newest tag; before the first, the commit before the last change of the schema. */
function previousRelease(): string {
  try {
    return git('describe', '--tags', '--abbrev=0', 'HEAD^');
  } catch {
    return `${git('log', '-1', '--format=%H', '--', 'db/migrations')}^`;
  }
}

function describe(commit: string): string {
  return git('log', '-1', '--format=%h (%s)', commit);
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

await runProgram(main);
