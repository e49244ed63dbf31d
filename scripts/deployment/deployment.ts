import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../db/embedded/free-port.ts';
import { startEmbedded } from '../../db/embedded/start.ts';
import { programOf } from '../program.ts';
import { isRedisInstalled, killRedis, launchRedis } from '../redis-server.ts';
import { isNginxInstalled, startNginx } from './nginx.ts';
import { type DeployedProcess, startProcess } from './process.ts';

/** A deployment on this machine: PostgreSQL, Redis, two API nodes and a worker behind nginx, each a process of its own. */
export interface Deployment {
  /** URL of nginx. */
  url: string;
  /** URL of PostgreSQL, for the role that owns the tables. */
  databaseUrl: string;
  /** URLs of the nodes. */
  nodeUrls: string[];
  /** Process ids of the nodes. */
  nodePids(): number[];
  /** Stops a node as a deployment does, with SIGTERM, and starts it again. Resolves when it is ready. */
  restartNode(index: number): Promise<void>;
  stop(): Promise<void>;
}

interface DeploymentOptions {
  /** A folder without a database. */
  folder: string;
  /** Settings of the nodes and the worker beyond those that the deployment needs. */
  variables?: Record<string, string>;
  /** Folder of another checkout whose API the nodes run, with its packages; this one by default. */
  checkout?: string;
}

const NODES = 2;
/** Time that a node serves while `/ready` is red. */
const GRACE_MS = 5_000;

/**
 * Starts a deployment.
 * @throws Error when nginx or redis-server is not installed, or a part does not start
 */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  if (!isNginxInstalled()) throw new Error('nginx is not installed on this machine.');
  if (!isRedisInstalled()) throw new Error('redis-server is not installed on this machine.');
  const { folder } = options;
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const database = await startEmbedded({ dataDir: join(folder, 'database'), log: () => undefined });
    closers.push(() => database.stop());
    const [port = 0, redisPort = 0, workerPort = 0, ...nodePorts] = await freePorts(3 + NODES);
    const redis: ChildProcess = await launchRedis(redisPort);
    closers.push(() => killRedis(redis));
    const url = `http://127.0.0.1:${port}`;
    const variables = {
      DATABASE_URL: database.url,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      EXPECTED_NODES: `${NODES}`,
      PUBLIC_URL: url,
      TRUST_PROXY: '1',
      LOG_LEVEL: 'warn',
      SHUTDOWN_GRACE_MS: `${GRACE_MS}`,
      ...options.variables,
    };
    const start = async (name: string, program: string, readyUrl: string, more: Record<string, string>) => {
      const dataDir = join(folder, name);
      await mkdir(dataDir, { recursive: true });
      return startProcess({
        ...commandOf(program, options.checkout),
        variables: { ...variables, DATA_DIR: dataDir, ...more },
        logFile: join(folder, `${name}.log`),
        readyUrl,
      });
    };
    const startNode = (index: number) => {
      const nodePort = nodePorts[index] as number;
      const readyUrl = `http://127.0.0.1:${nodePort}/ready`;
      return start(`node-${index + 1}`, 'api/main', readyUrl, { PORT: `${nodePort}`, JOBS: 'off' });
    };
    const nodes: DeployedProcess[] = [];
    closers.push(async () => void (await Promise.all(nodes.map((node) => node.stop()))));
    // At once: they race for the migration.
    nodes.push(...(await Promise.all(nodePorts.map((_, index) => startNode(index)))));
    const health = `http://127.0.0.1:${workerPort}/health`;
    const worker = await start('worker', 'api/jobs/main', health, { METRICS_PORT: `${workerPort}` });
    closers.push(() => worker.stop());
    const proxy = await startNginx(folder, port, nodePorts);
    closers.push(() => proxy.stop());
    return {
      url,
      databaseUrl: database.url,
      nodeUrls: nodePorts.map((nodePort) => `http://127.0.0.1:${nodePort}`),
      nodePids: () => nodes.map(({ child }) => child.pid as number),
      async restartNode(index) {
        await nodes[index]?.stop();
        nodes[index] = await startNode(index);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Returns the command that runs a program of this checkout, or of another one from its sources. */
function commandOf(program: string, checkout?: string): { command: string; args: string[]; cwd: string } {
  if (checkout !== undefined) {
    const args = ['--import', 'tsx', join(checkout, `${program}.ts`)];
    return { command: process.execPath, args, cwd: checkout };
  }
  const { file, execArgv, cwd } = programOf(program);
  return { command: process.execPath, args: [...execArgv, file], cwd };
}

/** Returns free ports, each another one. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
