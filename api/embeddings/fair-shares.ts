import type { LeasedMemory } from '../../db/queries/search/embedding-queue.ts';

/**
 * Serves tenants in equal shares of text (start-time fair queueing): a tenant that was served more than the others waits until they have
 * caught up, and one that had nothing to embed does not save up its share.
 */
export class FairShares {
  /** Where the parts that are served now start. */
  #position = 0;
  /** Where the parts that each tenant was served end; only those beyond the position. */
  readonly #ends = new Map<string, number>();

  /** Returns the size that each tenant was served ahead of the others. */
  ahead(): Map<string, number> {
    return new Map([...this.#ends].map(([userId, end]) => [userId, end - this.#position]));
  }

  /** Counts leased parts. None ends the turn: everybody is served. */
  serve(parts: readonly LeasedMemory[]): void {
    if (parts.length === 0) {
      this.#ends.clear();
      return;
    }
    for (const { user_id, ends } of parts) {
      this.#ends.set(user_id, Math.max(this.#ends.get(user_id) ?? 0, this.#position + ends));
    }
    this.#position += Math.min(...parts.map(({ starts }) => starts));
    for (const [userId, end] of this.#ends) if (end <= this.#position) this.#ends.delete(userId);
  }
}
