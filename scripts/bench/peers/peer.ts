import type { PeerNote } from './texts.ts';

/** A memory to compare. */
export interface Peer {
  name: string;
  /** Stores notes by the fastest way that it has. Resolves when a search can find them in every way. */
  fill(notes: readonly PeerNote[], signal: AbortSignal): Promise<void>;
  /** Stores one note. @throws Error when it is not acknowledged */
  store(note: PeerNote): Promise<void>;
  /** Stores notes at once. Returns the ids of those that were acknowledged. */
  storeTogether(notes: readonly PeerNote[]): Promise<string[]>;
  /** Returns the ids of the notes that a response holds, in its order. */
  search(query: string): Promise<string[]>;
  /** Returns which of the notes it still has. */
  keeps(notes: readonly PeerNote[]): Promise<string[]>;
  close(): Promise<void>;
}

/** Most notes that a response may hold. */
export const HITS = 10;

/** Returns the ids of notes in a text, each once, in order. */
export function idsIn(text: string): string[] {
  return [...new Set(text.match(/\bn\d{6}\b/g) ?? [])];
}

/** Stores notes at once, each by a call of its own. */
export async function storeAtOnce(notes: readonly PeerNote[], store: Peer['store']): Promise<string[]> {
  const results = await Promise.allSettled(notes.map(store));
  return notes.filter((_, index) => results[index]?.status === 'fulfilled').map(({ id }) => id);
}
