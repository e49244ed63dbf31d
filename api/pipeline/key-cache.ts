import type { KeyOwnerRow } from '../../db/queries/accounts/api-keys.ts';

/** What keys stand for, remembered by this node for a few seconds and only while it hears of every change. */
export interface KeyCache {
  /** What the key of this SHA-256 stands for, remembered or looked up; revoked and expired keys too. */
  find(hash: Buffer): Promise<KeyOwnerRow | undefined>;
  /** True for a key that was good when it last came, however long ago: it says nothing of now. */
  knows(hash: Buffer): boolean;
  /** Forgets a key that is good no more. */
  forget(hash: Buffer): void;
  /** A user's keys, plan, limits or status changed: they are looked up again. */
  onChange(userId: string): void;
  /** From now on changes are heard of, so there is something worth remembering. */
  onListening(): void;
  /** Changes are not heard of: nothing is remembered. */
  onLost(): void;
}

/** Bounds what a node that cannot tell that it hears nothing may still believe. */
const AGE_MAX_MS = 5_000;
const ENTRIES_MAX = 10_000;

interface Entry {
  userId: string;
  /** Undefined once it may be outdated. */
  owner: KeyOwnerRow | undefined;
  readAt: number;
}

/**
 * @param lookup what the database says of a hash
 * @param now milliseconds of a clock that is never set back
 */
export function keyCache(
  lookup: (hash: Buffer) => Promise<KeyOwnerRow | undefined>,
  now: () => number = () => performance.now(),
): KeyCache {
  /** By hash, longest unread first. */
  const entries = new Map<string, Entry>();
  let listening = false;
  /** Grows with every change and with every loss or return of hearing. */
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
      entries.delete(id);
      if (!owner) return undefined;
      // What changed meanwhile may or may not be in what was read.
      const certain = listening && changes === before;
      entries.set(id, { userId: owner.user_id, owner: certain ? owner : undefined, readAt });
      if (entries.size > ENTRIES_MAX) entries.delete(entries.keys().next().value as string);
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
