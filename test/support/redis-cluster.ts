import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../db/embedded/free-port.ts';
import { launchRedis } from '../../scripts/redis-server.ts';
import { runCommand } from './redis.ts';

const SLOTS = 16_384;
const NODES = 3;

/** A Redis Cluster of three servers on loopback. */
interface TestRedisCluster {
  /** Value for REDIS_URL. */
  url: string;
  /** Runs a command on each node. Returns their replies. */
  onEach(name: string, ...values: string[]): Promise<unknown[]>;
  /** Kills one node with SIGKILL. */
  killOne(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a cluster, each node with a third of the slots, and waits until all nodes report it complete. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-cluster-'));
  const nodes = await Promise.all(Array.from({ length: NODES }, () => startNode(folder)));
  const onEach: TestRedisCluster['onEach'] = (name, ...values) =>
    Promise.all(nodes.map(({ port }) => runCommand(port, name, ...values)));
  const [first, ...others] = nodes as [Node, ...Node[]];
  for (const [i, { port }] of nodes.entries()) {
    const [from, to] = [i, i + 1].map((part) => Math.round((SLOTS * part) / NODES)) as [number, number];
    await runCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to - 1}`);
  }
  for (const { port, busPort } of others) {
    await runCommand(first.port, 'CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${busPort}`);
  }
  while (!(await onEach('CLUSTER', 'INFO')).every((info) => isComplete(String(info)))) await delay(20);
  return {
    url: nodes.map(({ port }) => `redis://127.0.0.1:${port}`).join(','),
    onEach,
    killOne: () => first.stop(),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Node {
  port: number;
  busPort: number;
  stop(): Promise<void>;
}

async function startNode(folder: string): Promise<Node> {
  const [port, busPort] = await Promise.all([freePort(), freePort()]);
  const own = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`];
  const server = await launchRedis(port, ...own, '--dir', folder, '--cluster-config-file', `nodes-${port}.conf`);
  return {
    port,
    busPort,
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
    },
  };
}

function isComplete(info: string): boolean {
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`);
}
