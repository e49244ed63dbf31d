import { Redis } from 'ioredis';
import { freePort } from '../../db/embedded/free-port.ts';
import { isRedisInstalled, killRedis, launchRedis } from '../../scripts/redis-server.ts';

/** Whether a Redis server is installed. Tests that need it are skipped otherwise, which fails the gate. */
export const hasRedis = isRedisInstalled();

export interface TestRedis {
  url: string;
  /** Kills the server with SIGKILL. */
  kill(): Promise<void>;
  /** Restarts it, empty, at the same address. */
  restart(): Promise<void>;
  /** Suspends the server; its connections stay open. */
  hang(): void;
  /** Resumes it: it then executes what it received meanwhile. */
  resume(): void;
  /** Runs a command on it. */
  command(name: string, ...values: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a Redis without persistence on a free loopback port. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  let server = await launchRedis(port);
  const end = () => killRedis(server);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: end,
    restart: async () => {
      server = await launchRedis(port);
    },
    hang: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    command: (name, ...values) => runCommand(port, name, ...values),
    stop: end,
  };
}

/** Runs a command on the server of a port. */
export async function runCommand(port: number, name: string, ...values: string[]): Promise<unknown> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null });
  await redis.connect();
  return redis.call(name, ...values).finally(() => redis.disconnect());
}
