import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Returns true when a Redis server is installed. */
export function isRedisInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts a server without persistence on a loopback port, and waits until it responds. */
export async function launchRedis(port: number, ...extraArgs: string[]): Promise<ChildProcess> {
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...extraArgs];
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

/** Kills a server that {@link launchRedis} started with SIGKILL. */
export async function killRedis(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGKILL');
  await exited;
}
