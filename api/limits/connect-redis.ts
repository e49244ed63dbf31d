import { Cluster, type ClusterNode, Redis, type RedisOptions } from 'ioredis';
import { coalesceWrites } from '../../db/client/coalesce-writes.ts';

/**
 * A connection without any response for this long is closed, and a new one is opened. Long enough for a process that was busy
 * meanwhile: ioredis does not read what has arrived before it decides. Callers wait a shorter time (`inactivityTimeout`).
 */
const RESPONSE_TIMEOUT_MS = 5_000;
/** Maximum time to connect. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Connects to Redis and reconnects by itself. While it is disconnected, commands fail at once instead of being queued.
 * @param url one URL, or the nodes of a Redis Cluster separated by commas; the first URL's credentials and TLS apply to all
 */
export function connectRedis(url: string): Redis | Cluster {
  const urls = url.split(',').map((each) => each.trim());
  const common = {
    maxRetriesPerRequest: 0,
    socketTimeout: RESPONSE_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
  } satisfies RedisOptions;
  const retry = (times: number) => Math.min(times * 100, 2_000);
  const [first = '', ...others] = urls;
  if (others.length === 0) {
    return coalesced(new Redis(first, { ...common, enableOfflineQueue: false, retryStrategy: retry }));
  }
  const cluster = new Cluster(urls.map(nodeOf), {
    enableOfflineQueue: false,
    clusterRetryStrategy: retry,
    // Commands for a lost node fail at once; the caller decides what to do.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { ...common, ...credentialsOf(first) },
  });
  return cluster.on('+node', coalesced);
}

/** Sends the commands of one turn of the event loop in one write; `ioredis` would write each separately. */
function coalesced(redis: Redis): Redis {
  return redis.on('connect', () => coalesceWrites(redis.stream));
}

function nodeOf(url: string): ClusterNode {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}

function credentialsOf(url: string): RedisOptions {
  const { protocol, username, password } = new URL(url);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}
