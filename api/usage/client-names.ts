import { LRUCache } from 'lru-cache';
import { clientOfInfo, clientOfUserAgent, isLibrary } from './client-token.ts';

/** Names the client of each call. */
export interface ClientNames {
  /** Remembers the `clientInfo` of an `initialize`, for calls of the same key and user agent that say only which library they use. */
  learn(keyId: string | null, userAgent: string, info: { name: string; version?: string | undefined }): void;
  /**
   * Returns the product token of a call's client; null when nothing names it.
   * @param given header of a bridge, which names the client that it serves
   */
  of(call: { userId: string; keyId: string | null; userAgent: string; given?: string | undefined }): string | null;
}

/** Names of clients that a user's calls are counted by on this node; those of others count as {@link OTHER}. */
const NAMES_MAX = 30;
const OTHER = 'other';
const ENTRIES_MAX = 10_000;

/**
 * MCP clients name themselves only in `initialize`, and the server keeps no sessions. Most also have a user agent of their own; for the
 * rest this node remembers what the last `initialize` said. After a restart such a client is called by its library until it connects again.
 */
export function createClientNames(): ClientNames {
  const learned = new LRUCache<string, string>({ max: ENTRIES_MAX });
  const namesOf = new LRUCache<string, Set<string>>({ max: ENTRIES_MAX });
  const connection = (keyId: string | null, userAgent: string) => `${keyId} ${clientOfUserAgent(userAgent)}`;

  /** Bounds the rows of daily totals that a caller can make with invented names. */
  function bounded(userId: string, client: string): string {
    const [name = client] = client.split('/');
    const names = namesOf.get(userId) ?? new Set();
    if (!names.has(name) && names.size >= NAMES_MAX) return OTHER;
    namesOf.set(userId, names.add(name));
    return client;
  }

  return {
    learn(keyId, userAgent, info) {
      const client = clientOfInfo(info);
      if (client) learned.set(connection(keyId, userAgent), client);
    },
    of({ userId, keyId, userAgent, given }) {
      const named = (given && clientOfUserAgent(given)) || clientOfUserAgent(userAgent);
      const client = isLibrary(named) ? (learned.get(connection(keyId, userAgent)) ?? named) : named;
      return client && bounded(userId, client);
    },
  };
}
