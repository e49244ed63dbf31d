import { LRUCache } from 'lru-cache';
import type { KeyOwnerRow } from '../../db/queries/accounts/api-keys.ts';

/** Caches the owners of API keys on this node, for a few seconds and only while it receives change notifications. */
export interface KeyCache {
  /** Returns the owner of the key with this SHA-256, cached or from the database, for revoked and expired keys too. */
  find(hash: Buffer): Promise<KeyOwnerRow | undefined>;
  /** Returns whether a key was valid when it was last used. It may have been revoked since. */
  knows(hash: Buffer): boolean;
  /** Removes a key that is no longer valid. */
  forget(hash: Buffer): void;
  /** Invalidates a user's entries after a change of keys, plan, limits or status. */
  onChange(userId: string): void;
  /** Starts caching: change notifications are received from now on. */
  onListening(): void;
  /** Stops caching: change notifications may be lost. */
  onLost(): void;
}

/** Bounds how long an entry is used when lost notifications go unnoticed. */
const AGE_MAX_MS = 5_000;
const ENTRIES_MAX = 10_000;

interface Entry {
  userId: string;
  /** Undefined once it may be stale. */
  owner: KeyOwnerRow | undefined;
  readAt: number;
}

/**
 * @param lookup reads the owner of a key from the database by its hash
 * @param now returns milliseconds of a monotonic clock
 */
export function keyCache(
  lookup: (hash: Buffer) => Promise<KeyOwnerRow | undefined>,
  now: () => number = () => performance.now(),
): KeyCache {
  const entries = new LRUCache<string, Entry>({ max: ENTRIES_MAX });
  let listening = false;
  /** Counts changes, and losses and returns of notifications. */
  let changes = 0;

  const outdate = (concerns: (entry: Entry) => boolean) => {
    changes++;
    for (const entry of entries.values()) if (concerns(entry)) entry.owner = undefined;
  };

  return {
    async find(hash) {
      const id = idOf(hash);
      const kept = entries.get(id);
      if (kept?.owner && now() - kept.readAt < AGE_MAX_MS) return kept.owner;
      const [before, readAt] = [changes, now()];
      const owner = await lookup(hash);
      if (!owner) {
        entries.delete(id);
        return undefined;
      }
      // A change during the query may or may not be in its result.
      const isCurrent = listening && changes === before;
      entries.set(id, { userId: owner.user_id, owner: isCurrent ? owner : undefined, readAt });
      return owner;
    },
    knows: (hash) => entries.has(idOf(hash)),
    forget: (hash) => void entries.delete(idOf(hash)),
    onChange: (userId) => outdate((entry) => entry.userId === userId),
    onListening() {
      listening = true;
      outdate(() => true);
    },
    onLost() {
      listening = false;
      outdate(() => true);
    },
  };
}

function idOf(hash: Buffer): string {
  return hash.toString('base64');
}
