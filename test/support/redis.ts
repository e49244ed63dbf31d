import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** True where a Redis server is installed. Tests that need one say loudly when it is not; the gate refuses that. */
export const hasRedis = isInstalled();

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
  let server = await launch(port);
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: end,
    restart: async () => {
      server = await launch(port);
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

/** Starts a server of a port and waits until it answers. */
export async function launch(port: number, ...more: string[]): Promise<ChildProcess> {
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more];
  const server = spawn('redis-server', settings, { stdio: 'ignore' });
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null });
  redis.on('error', () => undefined);
  for (let waited = 0; waited < 10_000; waited += 20) {
    try {
      if (redis.status !== 'ready') await redis.connect();
      await redis.ping();
      redis.disconnect();
      return server;
    } catch {
      await delay(20);
    }
  }
  server.kill('SIGKILL');
  throw new Error('redis-server did not start');
}

/** A port of loopback that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
