import { Cluster, type ClusterNode, Redis, type RedisOptions } from 'ioredis';
import { coalesceWrites } from '../../db/client/coalesce-writes.ts';

/** A connection on which nothing comes back for so long is given up, and another opened. */
const SOCKET_TIMEOUT_MS = 1_000;

/**
 * A connection that fails a command at once, or after a second of silence, rather than keep it for later, and connects again by itself.
 * @param url one address, or nodes of one Redis Cluster as a comma list; the first one's login and TLS hold for all
 */
export function connectRedis(url: string): Redis | Cluster {
  const addresses = url.split(',').map((address) => address.trim());
  const common = { maxRetriesPerRequest: 0, socketTimeout: SOCKET_TIMEOUT_MS } satisfies RedisOptions;
  const retry = (times: number) => Math.min(times * 100, 2_000);
  const [first = '', ...others] = addresses;
  if (others.length === 0) {
    return coalesced(new Redis(first, { ...common, enableOfflineQueue: false, retryStrategy: retry }));
  }
  const cluster = new Cluster(addresses.map(nodeOf), {
    enableOfflineQueue: false,
    clusterRetryStrategy: retry,
    // A lost node is the caller's to deal with, now.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { ...common, ...loginOf(first) },
  });
  return cluster.on('+node', coalesced);
}

/** Commands of one turn of the event loop leave in one write; `ioredis` would write each by itself. */
function coalesced(redis: Redis): Redis {
  return redis.on('connect', () => coalesceWrites(redis.stream));
}

function nodeOf(address: string): ClusterNode {
  const { hostname, port } = new URL(address);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}

function loginOf(address: string): RedisOptions {
  const { protocol, username, password } = new URL(address);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}
