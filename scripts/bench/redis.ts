import { freePort } from '../../db/embedded/free-port.ts';
import { isRedisInstalled, killRedis, launchRedis } from '../redis-server.ts';

/** Starts a Redis without persistence on a free loopback port. Returns undefined when redis-server is not installed. */
export async function startBenchRedis(): Promise<{ url: string; stop(): Promise<void> } | undefined> {
  if (!isRedisInstalled()) return undefined;
  const port = await freePort();
  const server = await launchRedis(port);
  return { url: `redis://127.0.0.1:${port}`, stop: () => killRedis(server) };
}
