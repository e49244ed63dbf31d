import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** True where a Redis server is installed. */
export function isRedisInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts a server on a port of loopback that keeps nothing on disk, and waits until it answers. */
export async function launchRedis(port: number, ...more: string[]): Promise<ChildProcess> {
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

/** `kill -9` of a server that {@link launchRedis} started. */
export async function killRedis(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
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
