import { type Service, startService } from '../../api/bootstrap.ts';
import { readConfig } from '../../api/config.ts';
import { createLog } from '../../api/observability/log.ts';
import { freePort } from '../../db/embedded/free-port.ts';
import { startEmbedded } from '../../db/embedded/start.ts';
import { isRedisInstalled, killRedis, launchRedis } from '../redis-server.ts';
import { killRedisUnderLoad, type RedisOutage } from './redis-outage.ts';
import { addChaosUser, withDatabase } from './user.ts';

const REQUESTS_PER_MINUTE = 60;
const SECONDS = 5;

/**
 * Starts a Redis and two nodes on a database in an empty folder, and kills the Redis under load.
 * @throws Error when no redis-server is installed
 */
export async function killRedisOfTwoNodes(dataDir: string, signal: AbortSignal): Promise<RedisOutage> {
  if (!isRedisInstalled()) throw new Error('redis-server is not installed on this machine.');
  const port = await freePort();
  let redis = await launchRedis(port);
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const nodes: Service[] = [];
  try {
    const config = {
      ...readConfig({ DATA_DIR: dataDir, PORT: '0', JOBS: 'off', EMBEDDER: 'none', EXPECTED_NODES: '2' }),
      databaseUrl: embedded.url,
      redisUrl: `redis://127.0.0.1:${port}`,
    };
    for (let node = 0; node < 2; node++) {
      nodes.push(await startService(config, createLog({ level: 'silent', pretty: false })));
    }
    const [one, other] = nodes as [Service, Service];
    const shared = {
      nodes: [one.url, other.url] as const,
      kill: () => killRedis(redis),
      restart: async () => {
        redis = await launchRedis(port);
      },
    };
    return await withDatabase(embedded.url, async (database) => {
      const user = await addChaosUser(database, { requests_per_minute: REQUESTS_PER_MINUTE });
      const limitedUser = { ...user, requestsPerMinute: REQUESTS_PER_MINUTE };
      return killRedisUnderLoad(shared, limitedUser, database.owner, SECONDS, signal);
    });
  } finally {
    for (const node of nodes) await node.stop();
    await embedded.stop();
    await killRedis(redis);
  }
}
