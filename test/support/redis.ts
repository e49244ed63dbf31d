import { Redis } from 'ioredis';
import { freePort } from '../../db/embedded/free-port.ts';
import { isRedisInstalled, killRedis, launchRedis } from '../../scripts/redis-server.ts';

/** True where a Redis server is installed. Tests that need one say loudly when it is not; the gate refuses that. */
export const hasRedis = isRedisInstalled();

export interface TestRedis {
  url: string;
  /** Kills the server, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again, empty, at the same address. */
  restart(): Promise<void>;
  /** Keeps the server from answering; its connections stay open. */
  hang(): void;
  /** Lets it go on, with what was sent to it meanwhile. */
  resume(): void;
  /** Runs one command on it. */
  command(name: string, ...values: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts a Redis of the test's own on a free port of loopback, which keeps nothing on disk. */
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

/** Runs one command on the server of a port. */
export async function runCommand(port: number, name: string, ...values: string[]): Promise<unknown> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null });
  await redis.connect();
  return redis.call(name, ...values).finally(() => redis.disconnect());
}
